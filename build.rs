//! Compresses the pages that are part of the program, so that nobody waits for it while it runs.
//!
//! Beside each file of `assets`, as `OUT_DIR/NAME.gz` and `OUT_DIR/NAME.br`. Both follow from the file alone: no time and no
//! name is in them.

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "cli")]
    assets::compress()?;
    Ok(())
}

#[cfg(feature = "cli")]
mod assets {
    use brotli::enc::BrotliEncoderParams;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::{self, Write};
    use std::path::PathBuf;
    use std::{env, fs};

    const FOLDER: &str = "assets";

    pub fn compress() -> io::Result<()> {
        println!("cargo::rerun-if-changed={FOLDER}");
        let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
        for entry in fs::read_dir(FOLDER)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name in ASCII").to_owned();
            let plain = fs::read(path)?;
            fs::write(out.join(format!("{name}.gz")), gzip(&plain)?)?;
            fs::write(out.join(format!("{name}.br")), brotli(&plain)?)?;
        }
        Ok(())
    }

    fn gzip(plain: &[u8]) -> io::Result<Vec<u8>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain)?;
        encoder.finish()
    }

    fn brotli(mut plain: &[u8]) -> io::Result<Vec<u8>> {
        let mut compressed = Vec::new();
        let params = BrotliEncoderParams { size_hint: plain.len(), ..BrotliEncoderParams::default() };
        brotli::BrotliCompress(&mut plain, &mut compressed, &params)?;
        Ok(compressed)
    }
}
