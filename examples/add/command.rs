//! The command line of both: who serves, and who calls.

use std::io;
use std::process::ExitCode;

const DEFAULT_ADDRESS: &str = "127.0.0.1:5656";

fn usage(name: &str) -> String {
    format!(
        "\
usage: {name} serve [ADDRESS]      answer requests
       {name} call A B [ADDRESS]   send one and print the answer

ADDRESS is {DEFAULT_ADDRESS} unless given; port 0 lets the system choose."
    )
}

/// Does what the arguments say. `call` gives the answer to a request.
pub fn run(
    name: &str,
    serve: fn(&str) -> io::Result<()>,
    call: fn(&str, &str) -> io::Result<String>,
) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // As they were typed: what is no number is for the server to say.
    let ask = |a, b, address| {
        let answer = call(&format!(r#"{{"a":{a},"b":{b}}}"#), address)?;
        println!("{answer}");
        Ok(if answer.starts_with(r#"{"sum":"#) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    };
    let done = match arguments[..] {
        ["serve"] => serve(DEFAULT_ADDRESS).map(|()| ExitCode::SUCCESS),
        ["serve", address] => serve(address).map(|()| ExitCode::SUCCESS),
        ["call", a, b] => ask(a, b, DEFAULT_ADDRESS),
        ["call", a, b, address] => ask(a, b, address),
        ["help" | "--help" | "-h"] => {
            println!("{}", usage(name));
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            eprintln!("{}", usage(name));
            Ok(ExitCode::from(2))
        }
    };
    done.unwrap_or_else(|error: io::Error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
