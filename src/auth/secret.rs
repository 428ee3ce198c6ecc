//! The secret that signs tokens.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

const FILE: &str = "secret";
const LENGTH: usize = 32;

/// 32 random bytes. They can't be printed.
pub struct Secret([u8; LENGTH]);

impl Secret {
    /// The secret of a data folder, made where there is none yet. The file is
    /// for its owner alone (mode 0600), whatever the umask says.
    ///
    /// # Errors
    /// Where the file can't be read or written, or isn't a secret.
    pub fn load_or_create(folder: &Path) -> io::Result<Self> {
        let path = folder.join(FILE);
        match File::open(&path) {
            Ok(file) => {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
                Self::read(file)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(folder, &path),
            Err(error) => Err(error),
        }
    }

    fn read(file: File) -> io::Result<Self> {
        let mut bytes = Vec::with_capacity(LENGTH);
        // One byte more than there should be tells a longer file apart.
        file.take(LENGTH as u64 + 1).read_to_end(&mut bytes)?;
        let bytes = bytes.try_into().map_err(|_| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "the file 'secret' in the data folder is not 32 bytes long",
            )
        })?;
        Ok(Self(bytes))
    }

    /// Written beside its place and then moved there, so that a crash leaves
    /// no half a secret; and known to the disk before anything is signed by it.
    fn create(folder: &Path, path: &Path) -> io::Result<Self> {
        let mut bytes = [0; LENGTH];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let draft = path.with_extension("new");
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        File::open(folder)?.sync_all()?;
        Ok(Self(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}
