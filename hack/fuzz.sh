#!/bin/sh
# Fuzzes every target: for TIME each, or else with 1,000 new inputs each, however long
# that takes. A run that has executed no new input is an error: running the inputs that
# are known already proves no more than go test does.
#
# Usage: hack/fuzz.sh [TIME]
set -eu
log=bin/fuzz.log
mkdir -p bin

# fuzz FOLDER TARGET TIME
fuzz() {
    go test "./$1" -run '^$' -fuzz "^$2\$" -fuzztime "$3" -fuzzminimizetime 5s > $log 2>&1 || { cat $log; exit 1; }
}

targets=$(git grep -o -E '^func Fuzz[A-Za-z]+' -- '*_test.go' | sed 's|/[^/]*:func | |')
echo "$targets" | while read -r folder target; do
    echo "fuzzing $target in $folder"
    time=${1:-}
    if [ -z "$time" ]; then
        # A limit by number counts the known inputs, too.
        fuzz "$folder" "$target" 1x
        time=$(($(sed -n 's|.*gathering baseline coverage: 0/\([0-9]*\) completed|\1|p' $log) + 1000))x
    fi
    fuzz "$folder" "$target" "$time"
    known=$(sed -n 's|.*gathering baseline coverage: \([0-9]*\)/\1 completed, now fuzzing.*|\1|p' $log)
    all=$(sed -n 's|.*execs: \([0-9]*\) .*|\1|p' $log | tail -1)
    new=$((${all:-0} - ${known:-0}))
    if [ -z "$known" ] || [ "$new" -le 0 ]; then
        cat $log
        echo "$target in $folder has executed no new input; give it more time"
        exit 1
    fi
    echo "  $known known inputs and $new new ones, nothing found"
done
