# Builds, starts and stops the servers that are measured. Sourced by run and backlog, which set: here, and work (an empty directory).
# shellcheck shell=bash

processes=()
declare -A postfix_directories=() postfix_pids=() hopseal_pids=()

die() {
    echo "bench: $*" >&2
    exit 1
}

# Everything that we started, by its process id; then its files.
stop_everything() {
    stop_postfix
    local pid
    for pid in "${processes[@]}"; do
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    processes=()
    [[ -n ${keep_files:-} ]] || rm -rf "$work"
}

# stop PID [SIGNAL]
stop() {
    kill "-${2:-KILL}" "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
    local pid others=()
    for pid in "${processes[@]}"; do
        [[ $pid == "$1" ]] || others+=("$pid")
    done
    processes=("${others[@]}")
}

# Sets hopseal, published as README.md says to install it, and own_load.
build() {
    echo "building" >&2
    export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 DOTNET_NOLOGO=1
    local machine=x64
    [[ $(uname -m) != aarch64 ]] || machine=arm64
    dotnet publish "$here/../src/Hopseal" -c Release -r linux-$machine --self-contained false -o "$work/program" -v q --nologo >&2
    dotnet build "$here/Hopseal.Load" -c Release -v q --nologo >&2
    hopseal=$work/program/hopseal
    own_load=$here/Hopseal.Load/bin/Release/net10.0/hopseal-load
}

# Waits for a greeting of an SMTP server on 127.0.0.1, at most a minute.
await_greeting() {
    local tries
    for ((tries = 0; tries < 3000; tries++)); do
        if exec 9<>"/dev/tcp/127.0.0.1/$1"; then
            local line=
            read -r -t 10 line <&9 || true
            printf 'QUIT\r\n' >&9 2>/dev/null || true
            exec 9<&- 9>&-
            [[ $line == 220* ]] && return
        fi 2>/dev/null
        sleep 0.02
    done
    die "nobody greets on port $1"
}

# One ECDSA P-256 certificate, the same for everybody.
make_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 7 -subj "/CN=mx.example.test" \
        -addext "subjectAltName=DNS:mx.example.test,IP:127.0.0.1" -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
    chmod 644 "$work/key.pem"
}

# start_hopseal NAME PORT NEXT_HOP_PORT; sets hopseal_pid. The one that is named unrecorded keeps no records of sessions.
start_hopseal() {
    mkdir -p "$work/$1"
    cat >"$work/$1/hopseal.json" <<EOF
{
  "Hostname": "mx.example.test",
  "DataDirectory": "data",
  "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:$2", "Mode": "StartTls" } ],
  "Certificates": [ { "Chain": "$work/cert.pem", "Key": "$work/key.pem" } ],
  "Domains": { "example.test": { "NextHop": "127.0.0.1:$3", "Tls": "Encrypted" } },
  "Outbound": { "ConnectionsPerDestination": $next_hop_connections },
  "Dns": { "HealthMinutes": 0 },
  "Records": { "Days": $([[ $1 == unrecorded ]] && echo 0 || echo 30) },
  "Evidence": { "Days": $([[ $1 == unrecorded ]] && echo 0 || echo 1096) },
  "Log": { "Format": "json" }
}
EOF
    run_hopseal "$1" "$2"
}

# run_hopseal NAME PORT: with the configuration that is there.
run_hopseal() {
    (cd "$work/$1" && exec "$hopseal" serve --config hopseal.json) >>"$work/$1/log" 2>&1 &
    hopseal_pid=$!
    processes+=("$hopseal_pid")
    await_greeting "$2"
}

# start_postfix NAME PORT NEXT_HOP_PORT; sets postfix_pids[NAME]. Of the names, postfix is tuned for throughput (README.md), and debian is as
# its package configures it: nothing stands here that does not have to.
start_postfix() {
    local dir=$work/$1
    mkdir -p "$dir"/{etc,spool,data}
    chown postfix "$dir/data"
    cat >"$dir/etc/main.cf" <<EOF
compatibility_level = 3.6
queue_directory = $dir/spool
data_directory = $dir/data
maillog_file = $dir/maillog
maillog_file_prefixes = $work
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
syslog_name = bench-$1
myhostname = mx.example.test
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_tls_security_level = may
smtpd_tls_chain_files = $work/key.pem, $work/cert.pem
relayhost = [127.0.0.1]:$3
smtp_tls_security_level = encrypt
smtp_tls_session_cache_database = btree:$dir/data/smtp_scache

# Nobody waits for DNS.
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
$([[ $1 == debian ]] || postfix_tuning "$3")
EOF
    cat >"$dir/etc/master.cf" <<EOF
127.0.0.1:$2 inet n - n - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
tlsproxy  unix  - - n - 0 tlsproxy
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
EOF
    postfix_directories[$1]=$dir
    postfix -c "$dir/etc" start >"$dir/start.log" 2>&1 || die "Postfix does not start: $(cat "$dir/start.log" "$dir/maillog")"
    postfix_pids[$1]=$(tr -d ' ' <"$dir/spool/pid/master.pid")
    await_greeting "$2"
}

# postfix_tuning NEXT_HOP_PORT: as its documentation recommends for throughput.
postfix_tuning() {
    cat <<EOF

# Nobody is counted or slowed down.
smtpd_client_event_limit_exceptions = 127.0.0.0/8
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
in_flow_delay = 0
default_process_limit = 300
max_use = 5000
smtp_tls_connection_reuse = yes
smtp_connection_cache_destinations = [127.0.0.1]:$1
smtp_destination_concurrency_limit = $next_hop_connections
initial_destination_concurrency = $next_hop_connections
EOF
}

stop_postfix() {
    local name
    for name in "${!postfix_directories[@]}"; do
        postfix -c "${postfix_directories[$name]}/etc" stop >/dev/null 2>&1 || true
        if [[ -d /proc/${postfix_pids[$name]:-none} ]]; then
            kill -KILL "${postfix_pids[$name]}" 2>/dev/null || true
        fi
    done
    postfix_directories=()
}

# The CPU seconds that a process, its children and those it has waited for have used.
cpu_seconds() {
    { cat /proc/[0-9]*/stat 2>/dev/null || true; } | awk -v root="$1" -v tick="$(getconf CLK_TCK)" '
        { pid = $1; sub(/^.*\) /, ""); split($0, f, " "); if (pid == root || f[2] == root) sum += f[12] + f[13] + f[14] + f[15] }
        END { printf "%.2f", sum / tick }'
}

# The CPU seconds of the threads of a gateway that write evidence and records. They are named, and live as long as it does.
recorder_seconds() {
    local task sum=0 name spent
    for task in /proc/"$1"/task/*; do
        { name=$(<"$task/comm") && spent=$(<"$task/schedstat"); } 2>/dev/null || continue
        [[ $name != "Hopseal evidenc"* && $name != "Hopseal records"* ]] || sum=$((sum + ${spent%% *}))
    done
    awk -v n="$sum" 'BEGIN { printf "%.4f", n / 1e9 }'
}

# json KEY TEXT: the number behind "KEY":
json() {
    grep -o "\"$1\":[0-9.]*" <<<"$2" | head -n 1 | cut -d: -f2
}
