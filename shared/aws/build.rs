//! Reads the roots that vouch for AWS's endpoints, once: each start of a function would spend a tenth of its time on it.

use std::{env, error::Error, fs, path::Path};

use rustls_pki_types::{CertificateDer, pem::PemObject};

const ROOTS: &str = "src/amazon_roots.pem";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={ROOTS}");
    let mut anchors = Vec::new();
    for root in CertificateDer::pem_slice_iter(&fs::read(ROOTS)?) {
        let root = root?;
        let anchor = webpki::anchor_from_trusted_cert(&root)?;
        if anchor.name_constraints.is_some() {
            return Err(format!("{ROOTS} has a root with constraints, which aren't written").into());
        }
        anchors.push(format!(
            "TrustAnchor {{ subject: Der::from_slice(&{:?}), subject_public_key_info: Der::from_slice(&{:?}), \
             name_constraints: None }},",
            anchor.subject.as_ref(),
            anchor.subject_public_key_info.as_ref()
        ));
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("amazon_roots.rs"), format!("[{}]", anchors.join("\n")))?;
    Ok(())
}
