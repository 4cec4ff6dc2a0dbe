#!/usr/bin/env bash
# One Apache Kafka broker on the loopback interface, for the broker tests and for benchmarks.
#
#   broker.sh install                 fetch Kafka and what it needs from Maven Central, once
#   broker.sh start PORT DATADIR      format DATADIR if it is empty, start, wait until it serves; prints the address;
#                                     PORT 0: one that is free
#   broker.sh stop DATADIR            orderly stop
#   broker.sh kill DATADIR            kill -9
#   broker.sh pause|resume DATADIR    SIGSTOP, SIGCONT
#   broker.sh restart DATADIR         stop if it runs, then start again on the same port and data
#   broker.sh status DATADIR          prints the process id; fails when none runs
#   broker.sh run PORT COMMAND...     start on fresh data, run COMMAND with WEIR_TEST_BOOTSTRAP set, stop, remove the data
#
# Needs a Java runtime (17 or later) and, to install, Maven. The jars go to $WEIR_KAFKA_HOME, or else to
# ${XDG_CACHE_HOME:-~/.cache}/weir/kafka, or, where that cannot be written, to build/kafka. The controller listens on PORT + 500. KAFKA_PROPS: more broker properties, separated by spaces.
# KAFKA_JVM: more options of Java; -XX:TieredStopAtLevel=1 halves the CPU that a start takes, for tests that start it often.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Where the jars are: in the user's cache, unless there is no home, or one that cannot be written.
jars() {
    local cache=${XDG_CACHE_HOME:-${HOME:-/nowhere}/.cache}/weir/kafka
    if [[ -n ${WEIR_KAFKA_HOME:-} ]]; then
        echo "$WEIR_KAFKA_HOME"
    elif cmp -s "$here/pom.xml" "$cache/pom.xml" || { mkdir -p "$cache" 2>/dev/null && [[ -w $cache ]]; }; then
        echo "$cache"
    else
        echo "${here%/tests/broker}/build/kafka"
    fi
}
lib=$(jars)
quiet=(-Dorg.slf4j.simpleLogger.defaultLogLevel=error -Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info)

die() {
    echo "broker.sh: $*" >&2
    exit 1
}

install() {
    cmp -s "$here/pom.xml" "$lib/pom.xml" && return
    local repository=()
    command -v mvn >/dev/null || die "Maven is needed to fetch Kafka (Debian: maven)"
    echo "broker.sh: fetching Apache Kafka from Maven Central into $lib" >&2
    rm -rf "$lib"
    mkdir -p "$lib"
    if ! mkdir -p "${HOME:-/nowhere}/.m2/repository" 2>/dev/null || [[ ! -w $HOME/.m2/repository ]]; then
        repository=(-Dmaven.repo.local="$lib/repository")
    fi
    mvn -q -B "${repository[@]}" -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$lib" \
        -DincludeScope=runtime >"$lib/mvn.log" 2>&1 || { tail -n 5 "$lib/mvn.log" >&2; die "Maven failed: see $lib/mvn.log"; }
    rm -rf "$lib/repository"
    cp "$here/pom.xml" "$lib/pom.xml"
}

# The process id of the broker on data directory $1, if it runs and is still the one that was started.
pid_of() {
    local pid
    pid=$(cat "$1/broker.pid" 2>/dev/null) || return 1
    tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "$1/broker.properties" || return 1
    echo "$pid"
}

write_config() { # PORT DATADIR
    cat <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$(($1 + 500))
listeners=PLAINTEXT://127.0.0.1:$1,CONTROLLER://127.0.0.1:$(($1 + 500))
advertised.listeners=PLAINTEXT://127.0.0.1:$1
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$2/log
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.retention.ms=-1
log.segment.delete.delay.ms=1000
log.cleaner.dedupe.buffer.size=33554432
message.max.bytes=16777216
END
    tr ' ' '\n' <<<"${KAFKA_PROPS:-}"
}

launch() { # DATADIR: starts the broker that is configured there and waits until it serves
    local data=$1 tenths log_size
    touch "$data/broker.log"
    log_size=$(stat -c %s "$data/broker.log")
    # shellcheck disable=SC2086
    setsid nohup java ${KAFKA_JVM:-} -Xms256m -Xmx"${KAFKA_HEAP:-1g}" -XX:+UseG1GC -XX:+ExitOnOutOfMemoryError "${quiet[@]}" \
        -cp "$lib/*" kafka.Kafka "$data/broker.properties" >>"$data/broker.log" 2>&1 </dev/null &
    echo $! >"$data/broker.pid"
    disown
    for ((tenths = 0; tenths < 600; tenths++)); do
        if tail -c +$((log_size + 1)) "$data/broker.log" | grep -q 'Kafka Server started'; then
            sed -n 's,^advertised.listeners=PLAINTEXT://,,p' "$data/broker.properties"
            return
        fi
        kill -0 "$(cat "$data/broker.pid")" 2>/dev/null || break
        sleep 0.1
    done
    tail -n 20 "$data/broker.log" >&2
    die "the broker did not start"
}

# Whether something listens on port $1.
listens() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Two free ports, PORT and PORT + 500, below those that the system gives to outgoing connections.
free_port() {
    local port
    for ((;;)); do
        port=$((12000 + RANDOM % 18000))
        listens "$port" || listens $((port + 500)) || break
    done
    echo "$port"
}

start() { # PORT DATADIR
    local port=$1 data id
    if [[ $port == 0 ]]; then port=$(free_port); fi
    mkdir -p "$2"
    data=$(cd "$2" && pwd)
    if pid_of "$data" >/dev/null; then die "a broker runs on $data already"; fi
    if listens "$port"; then die "port $port is taken"; fi
    install
    write_config "$port" "$data" >"$data/broker.properties"
    if [[ ! -f $data/log/meta.properties ]]; then
        id=$(head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | cut -c1-22)
        java -XX:TieredStopAtLevel=1 "${quiet[@]}" -cp "$lib/*" kafka.tools.StorageTool format -t "$id" \
            -c "$data/broker.properties" >"$data/format.log" 2>&1 || die "cannot format the storage: see $data/format.log"
    fi
    launch "$data"
}

# Sends the signal and waits until the broker is gone and its port is free (the kernel closes the sockets of a killed
# process after its memory is gone); the second half of the time with SIGKILL.
end() { # DATADIR SIGNAL
    local data pid port tenths
    data=$(cd "$1" && pwd)
    pid=$(pid_of "$data") || return 0
    port=$(sed -n 's,^advertised.listeners=PLAINTEXT://.*:,,p' "$data/broker.properties")
    kill -s "$2" "$pid"
    for ((tenths = 0; tenths < 300; tenths++)); do
        pid_of "$data" >/dev/null || listens "$port" || listens $((port + 500)) || break
        if ((tenths == 150)); then kill -s KILL "$pid"; fi
        sleep 0.1
    done
    rm -f "$data/broker.pid"
}

signal() { # DATADIR SIGNAL
    kill -s "$2" "$(pid_of "$(cd "$1" && pwd)")"
}

run() { # PORT COMMAND...
    local port=$1 data address rc=0
    shift
    data=$(mktemp -d "${TMPDIR:-/tmp}/weir-broker.XXXXXX")
    # shellcheck disable=SC2064
    trap "end '$data' KILL; rm -rf '$data'" EXIT
    address=$(start "$port" "$data")
    WEIR_TEST_BOOTSTRAP=$address WEIR_TEST_BROKER_DATA=$data "$@" || rc=$?
    return $rc
}

usage() {
    sed -n '/^#   /s/^# *//p' "$0" >&2
    exit 2
}

case ${1:-} in
install) install ;;
start) [[ $# == 3 ]] || usage; start "$2" "$3" ;;
stop) [[ $# == 2 ]] || usage; end "$2" TERM ;;
kill) [[ $# == 2 ]] || usage; end "$2" KILL ;;
pause) [[ $# == 2 ]] || usage; signal "$2" STOP ;;
resume) [[ $# == 2 ]] || usage; signal "$2" CONT ;;
restart) [[ $# == 2 ]] || usage; end "$2" TERM; launch "$(cd "$2" && pwd)" ;;
status) [[ $# == 2 ]] || usage; pid_of "$(cd "$2" && pwd)" ;;
run) [[ $# -ge 3 ]] || usage; shift; run "$@" ;;
*) usage ;;
esac
