//! Ends a process group when this process is gone, however it went.
//!
//! A process that is killed cannot tidy up, so somebody else has to: a shell that reads a pipe whose other end this
//! process holds. The pipe ends when this process does.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// Asks the group to end, gives it five seconds, and kills it.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
while read -r line; do :; done
kill -s TERM -- "-$1" 2>/dev/null || exit 0
for i in 1 2 3 4 5; do sleep 1; kill -s 0 -- "-$1" 2>/dev/null || exit 0; done
kill -s KILL -- "-$1" 2>/dev/null
"#;

/// The shell that watches; dropped, the group is no longer watched.
pub(crate) struct Watchdog(Child);

impl Watchdog {
    /// Watches a group. Nothing where there is no shell: then only an orderly end of this process ends the group.
    pub(crate) fn start(group: u32) -> Option<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "watchdog", &group.to_string()]).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command.current_dir("/").spawn().ok().map(Self)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
