//! Memory goes back to the system.

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
