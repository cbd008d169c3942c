//! The `chinwag` command.

fn main() -> std::process::ExitCode {
    chinwag::cli::main()
}
