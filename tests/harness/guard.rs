//! Ends the servers of this process when it dies without unwinding: a shell whose standard input is a pipe from us.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex};

/// Reads `+pid` and `-pid`; at the end of the input it kills those that are left, if they still are `ayni serve`.
const SCRIPT: &str = r#"
pids=" "
while read -r line; do
    pid=${line#?}
    case $line in
    +*) pids="$pids$pid " ;;
    -*) case "$pids" in *" $pid "*) pids="${pids%% $pid *} ${pids#* $pid }" ;; esac ;;
    esac
done
for pid in $pids; do
    if tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q "ayni serve"; then kill -9 "$pid"; fi
done
"#;

static GUARD: LazyLock<Mutex<Child>> = LazyLock::new(|| {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", SCRIPT]).process_group(0);
    Mutex::new(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
});

pub fn watch(pid: u32) {
    tell(&format!("+{pid}\n"));
}

pub fn forget(pid: u32) {
    tell(&format!("-{pid}\n"));
}

fn tell(line: &str) {
    let mut guard = GUARD.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(input) = guard.stdin.as_mut() {
        let _ = input.write_all(line.as_bytes());
    }
}
