# The demonstration of one box. gateway/quickstart reads this.
# shellcheck shell=bash
port=$(free_port)
web=$(free_port)
page=$(free_port)

cat >"$home/depot.conf" <<EOF
[site]
org = demo
site = hz-01
lang = $lang
[store]
path = $home/store
map_size = 256MiB
[runtime]
dir = $home/run
[broker]
mode = managed
start = child
anonymous = yes
port = $port
websocket_port = $web
[page]
enabled = yes
address = 127.0.0.1
port = $page
EOF
box() { depot --config "$home/depot.conf" --lang "$lang" "$@"; }

say '3. A warehouse: a store, three bins, three items, two scanners'
box init --yes --org demo --site hz-01 --path "$home/store" --map-size 256MiB
cat >"$home/items.csv" <<'EOF'
item,name_en,name_zh,unit,tracking
MUG,White mug,白色马克杯,each,none
TEA,Green tea 250 g,绿茶250克,each,lot
LAMP,Desk lamp,台灯,each,none
EOF
cat >"$home/codes.csv" <<'EOF'
code,item,pack
4006381333931,MUG,1
14006381333938,MUG,12
09521234567899,TEA,1
EOF
printf 'bin\nA-01\nA-02\nB-01\n' >"$home/bins.csv"
box item import "$home/items.csv"
box code import "$home/codes.csv"
box bin import "$home/bins.csv"
box device add dock-1 --kind scanner >/dev/null
box device add gun-2 --kind scanner >/dev/null
box account add floor --role operator >/dev/null

say '4. The box starts, with a broker of its own'
mkdir -p "$home/run"
depotd --config "$home/depot.conf" 2>"$home/depotd.log" &
daemon=$!
running+=("$daemon")
prefix=depot/v1/demo/hz-01
subscribe() { mosquitto_sub -h 127.0.0.1 -p "$port" -V 5 "$@"; }
# The retained status is the box's own word that it is ready.
for try in {1..40}; do
	if subscribe -W 20 -C 1 -t "$prefix/status" >"$home/status" 2>&1; then
		break
	elif ((try == 40)) || ! kill -0 "$daemon" 2>/dev/null; then
		cat "$home/depotd.log"
		exit 1
	fi
	sleep 0.25
done
cat "$home/status"

unhex() {
	python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))'
}

# Prints a barcode, reads it back from the picture, and sends what was read as
# the scanner would; shows the box's answer.
scan() { # scanner, zint's type, text, zint's options ...
	local device=$1 type=$2 text=$3 picture=$home/code.png answer
	shift 3
	zint --barcode="$type" --data="$text" --scale=3 "$@" --output="$picture"
	# With the symbology identifier, as a scanner that is set up well sends it.
	if ! ZXingReader "$picture" | sed -n 's/^BytesECI: *//p' |
		unhex >"$home/read" || [[ ! -s $home/read ]]; then
		echo "could not read back $text" >&2
		return 1
	fi
	subscribe -W 5 -C 1 -t "$prefix/ack/$device" >"$home/ack" &
	answer=$!
	sleep 0.2
	mosquitto_pub -h 127.0.0.1 -p "$port" -V 5 -q 1 -f "$home/read" \
		-t "$prefix/scan/$device"
	wait "$answer" || true
	python3 - "$home/ack" "$text" "$lang" <<'EOF'
import json, sys
try:
    ack = json.load(open(sys.argv[1]))
except ValueError:
    ack = {}
said = ack.get("session") or (ack.get("except") or [{}])[0]
print("  %-44s %s" % (sys.argv[2], said.get("text_" + sys.argv[3], "no answer")))
EOF
}

say '5. Scans: printed with zint, read back with ZXingReader'
scan gun-2 CODE128 DEPOT.OP.RECEIVE
scan gun-2 CODE128 DEPOT.BIN.A-01
scan gun-2 EANX 4006381333931
scan gun-2 ITF14 1400638133393
scan gun-2 GS1_128 '[01]09521234567899[17]271231[10]LOT42'
scan gun-2 CODE128 DEPOT.OP.PICK
scan gun-2 CODE128 DEPOT.BIN.A-01
scan gun-2 CODE128 DEPOT.QTY.3
scan gun-2 EANX 4006381333931
scan gun-2 CODE128 DEPOT.DONE

say '6. What is in stock'
box stock
box audit

say '7. Look yourself'
cat <<EOF
  every stock topic:  mosquitto_sub -p $port -v -t '$prefix/stock/+'
  over WebSocket:     ws://127.0.0.1:$web
  a scan by hand:     mosquitto_pub -p $port -q 1 -t $prefix/scan/dock-1 \\
                        -m '{"v":1,"seq":1,"op":"receive","code":"4006381333931","qty":5}'
  the box:            $build/gateway/depot --config $home/depot.conf status
  the operator page:  $build/gateway/depot --config $home/depot.conf \\
                        page pair --account floor
EOF
