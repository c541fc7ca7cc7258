//! `cupola completions`.

use base::BoxError;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::error::Outcome;
use crate::output::print;

/// Prints the completion script of a shell.
pub(crate) fn completions(shell: Shell) -> Result<Outcome, BoxError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "cupola", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::Done)
}
