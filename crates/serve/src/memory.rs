//! Memory goes back to the system.

/// How much free memory each of the allocator's arenas may keep at its end, in bytes; larger pieces come from the system
/// and go back to it one by one. With glibc's first 128 KiB, requests of many rows take a fifth more processor time; with
/// this, no more than with what it adapts to.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: libc::c_int = 1 << 20;

/// Has the allocator keep little of what is free. Otherwise it keeps twice the largest piece that was ever given back, in
/// each of up to eight arenas a core, of whose ends [`give_back`] reaches only the first one's: after a few large requests,
/// tens of megabytes. Called when a server starts, and true for the whole process.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "without it, memory of large requests stays with the process")]
pub(crate) fn keep_little() {
    // SAFETY: `mallopt` may be called at any time; it changes numbers that the allocator reads.
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
        libc::mallopt(libc::M_MMAP_THRESHOLD, KEPT);
    }
}

/// Other allocators have their own ways.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn keep_little() {}

/// Gives what is free, but still held by the allocator, back to the system. Called after a version was unloaded, by a
/// thread that serves no requests: an allocator otherwise keeps the room of a model that was there for the next one.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "without it, memory of unloaded versions stays with the process")]
pub(crate) fn give_back() {
    // SAFETY: `malloc_trim` may be called at any time by any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Other allocators give it back by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back() {}
