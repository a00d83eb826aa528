cmake_minimum_required(VERSION 3.25)
# LMDB writes its file by no call that the recorder does not see.
set(writing write pwrite pwrite64 writev pwritev pwritev2 pwritev64 sendfile
	copy_file_range splice fallocate fallocate64 posix_fallocate ftruncate
	ftruncate64 fsync fdatasync sync syncfs sync_file_range msync aio_write
	aio_fsync fwrite io_submit)

execute_process(COMMAND ${NM} -u ${LIBRARY} OUTPUT_VARIABLE symbols
	RESULT_VARIABLE failed)
if(failed)
	message(FATAL_ERROR "nm ${LIBRARY}: ${failed}")
endif()
string(REGEX MATCHALL "[A-Za-z_][A-Za-z0-9_]*" symbols "${symbols}")
set(seen "")
foreach(call IN LISTS writing)
	if(call IN_LIST symbols)
		list(APPEND seen ${call})
		if(NOT call IN_LIST WRAPPED)
			message(FATAL_ERROR "LMDB calls ${call}, unseen")
		endif()
	endif()
endforeach()
foreach(call pwrite writev fdatasync)
	if(NOT call IN_LIST seen)
		message(FATAL_ERROR "LMDB does not call ${call}: how does it write?")
	endif()
endforeach()
list(JOIN seen " " seen)
message("LMDB writes and syncs by: ${seen}")
