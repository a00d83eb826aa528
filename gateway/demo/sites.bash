# The demonstration of a network. gateway/quickstart reads this.
# shellcheck shell=bash
PATH=$PATH:/usr/sbin
began=$SECONDS
sites=(hq hz-01 sh-02)
declare -A port daemon
far=$(free_port)
mkdir "$home/stick"
cd "$home"

note() { printf '  \033[2m%s\033[0m\n' "$1"; }

# A box's folder and configuration; its broker is its own.
box_make() { # name
	port[$1]=$(free_port)
	mkdir -p "$1/run"
	cat >"$1/depot.conf" <<EOF
[site]
org = demo
site = $1
lang = $lang
[store]
path = $home/$1/store
map_size = 64MiB
[runtime]
dir = $home/$1/run
[broker]
mode = managed
start = child
anonymous = yes
port = ${port[$1]}
[link wan]
uri = tcp://127.0.0.1:$far
EOF
}

# A box's command line; nothing is asked.
at() { # name, words of depot ...
	local name=$1
	shift
	depot --config "$name/depot.conf" --lang "$lang" --yes "$@"
}

# What somebody types there, and what they read, without the advice below it.
# 3: it worked, but look.
types() { # name, words of depot ...
	local name=$1 code=0
	shift
	printf '  \033[36m%-5s $ depot' "$name"
	printf " ${*@Q}" | sed "s/'\([^' ]*\)'/\1/g"
	printf '\033[0m\n'
	at "$name" "$@" >said 2>&1 || code=$?
	sed '/^next/,$d; /^接下来/,$d; /^ *$/d; s/^/          /' said
	((code == 0 || code == 3))
}

# Waits until a command succeeds, a minute at most.
until_so() { # what, command ...
	local what=$1
	shift
	for ((try = 0; try < 240; try++)); do
		if "$@" >/dev/null 2>&1; then
			return
		fi
		sleep 0.25
	done
	printf 'still not so after a minute: %s\n' "$what" >&2
	tail -n 20 ./*/depotd.log >&2
	return 1
}

box_start() { # name
	depotd --config "$1/depot.conf" 2>>"$1/depotd.log" &
	daemon[$1]=$!
	running+=($!)
	until_so "$1 answers" peers_of "$1"
}

far_start() {
	mosquitto -c far.conf >far.log 2>&1 &
	far_pid=$!
	running+=("$far_pid")
}

dies() { # pid
	local left=()
	for pid in "${running[@]}"; do
		[[ $pid == "$1" ]] || left+=("$pid")
	done
	running=("${left[@]}")
	kill -9 "$1"
	wait "$1" 2>/dev/null || true
}

# Whose links it has, and whom it has heard. 3: one is down, or silent.
peers_of() { at "$1" peers --json || (($? == 3)); }

links_are() { # true|false
	for name in "${sites[@]}"; do
		peers_of "$name" | grep -q "\"up\":$1" || return 1
	done
}

# Each has heard a signed delta of both others.
all_are_heard() {
	for name in "${sites[@]}"; do
		[[ $(peers_of "$name" | grep -o '"as_of":' | wc -l) == 2 ]] ||
			return 1
	done
}

is_shipped() { # name, transfer
	at "$1" transfer show "$2" --json |
		grep -q '"sender":{"state":"shipped"'
}

# All of everybody's journal is sealed, and all three hold the same.
agree() {
	for name in "${sites[@]}"; do
		peers_of "$name" | grep -q '"unsealed":0' &&
			at "$name" audit --network --json >"$name.audit" &&
			cmp -s "hq.audit" "$name.audit" || return 1
	done
}

# Nothing is on its way any more: the last news that the story makes.
is_told_at_hq() {
	mosquitto_sub -p "${port[hq]}" -W 20 -C 1 -t "$topic" >told &&
		grep -q '"in_transit":0' told
}

printf 'listener %s 127.0.0.1\nallow_anonymous true\npersistence false\n' \
	"$far" >far.conf
for name in "${sites[@]}"; do
	box_make "$name"
done

say '3. HQ, and two warehouses that join it'
note 'Three boxes, each with a ledger, keys and a broker of its own. What they'
note 'say to each other while they join goes by stick here: they need no link.'
types hq init
types hq hq init --root-key stick/root-key.txt
join() { # name
	types hq hq invite --site "$1" --out "stick/$1.txt"
	types "$1" join "stick/$1.txt" --ask "stick/$1-ask.txt"
	types hq hq admit "stick/$1-ask.txt"
}
join hz-01
join sh-02 | sed '/█/d' # one QR code is enough to see
types hq item set MUG --name-en 'White mug' --name-zh 白色马克杯
types hq code set 4006381333931 MUG
for name in hz-01 sh-02; do
	at "$name" bin set A-01 >/dev/null
done

say '4. Each box starts, and its link to the one broker between them'
far_start
for name in "${sites[@]}"; do
	box_start "$name"
done
until_so 'the links are up' links_are true
until_so 'everybody has heard of everybody' all_are_heard
until_so "HQ's catalogue is at hz-01" at hz-01 item show MUG
until_so "HQ's catalogue is at sh-02" at sh-02 item show MUG
types hq peers
note "HQ's catalogue has come to both."
types sh-02 item show MUG

say '5. hz-01 receives 40 mugs, and sends 15 of them to sh-02'
types hz-01 book receive 4006381333931 --qty 40 --bin A-01
types hz-01 transfer create --to sh-02 --carrier 'SF 1098'
types hz-01 book transfer_out MUG --qty 15 --bin A-01 --ref 4-5-1
types hz-01 transfer ship 4-5-1
until_so 'the packing list is at sh-02' is_shipped sh-02 4-5-1
note 'The signed packing list has come through the network.'
types sh-02 transfer receive 4-5-1 --bin A-01
types sh-02 transfer close 4-5-1
types sh-02 transfer show 4-5-1

say '6. The broker between them dies: no link anywhere'
dies "$far_pid"
until_so 'the links are down' links_are false
types hz-01 peers

say '7. Work goes on'
note 'Both pick and receive; sh-02 sends 4 mugs back; hz-01 is killed (-9).'
types hz-01 book pick MUG --qty 6 --bin A-01
types sh-02 book receive MUG --qty 100 --bin A-01
types sh-02 transfer create --to hz-01
types sh-02 book transfer_out MUG --qty 4 --bin A-01 --ref 5-4-1
types sh-02 transfer ship 5-4-1
dies "${daemon[hz-01]}"
box_start hz-01
types hz-01 book pick MUG --qty 1 --bin A-01
types hz-01 stock

say '8. The broker comes back, and has forgotten everything'
far_start
healing=$SECONDS
until_so 'the links are up' links_are true
until_so 'the packing list is at hz-01' is_shipped hz-01 5-4-1
types hz-01 transfer receive 5-4-1 --bin A-01
types hz-01 transfer close 5-4-1
until_so 'all three agree' agree
note "All three hold the same ledgers, $((SECONDS - healing)) s later."
types hq audit --network
for name in hz-01 sh-02; do
	types "$name" audit --network | sed 3,\$d # they are the same
done
types hq hq sites

say '9. What HQ publishes of the network, from signed feeds only'
topic=depot/v1/demo/network/stock/MUG
until_so 'HQ has added it up' is_told_at_hq
printf '  \033[36mhq    $ mosquitto_sub -t %s\033[0m\n' "$topic"
sed 's/^/          /' told

say 'What you have seen'
cat <<EOF
  Two warehouses joined a network, traded stock, lost their link, worked on, one
  of them through a kill -9, and agreed again with nobody's help. Nothing was
  lost, nothing counted twice: unexplained=0 at each of them. It took $((SECONDS - began)) s.

  the same by hand:   docs/operating.md, "A new warehouse in five minutes"
  how they agree:     docs/protocol/sync.md
EOF
if [[ $once == no ]]; then
	cat <<EOF
  look yourself:      cd $home
                      PATH=$OLDPWD/$build/gateway:\$PATH
                      depot --config hz-01/depot.conf status
                      mosquitto_sub -p ${port[hq]} -v -t 'depot/v1/demo/network/#'
EOF
fi
