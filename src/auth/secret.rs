//! The secret that signs tokens, and the one before it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use entity::Millis;

const FILE: &str = "secret";
/// The secret before, and when it was replaced.
const FORMER_FILE: &str = "secret.former";
const LENGTH: usize = 32;

/// 32 random bytes. They can't be printed.
#[derive(Clone)]
pub struct Secret([u8; LENGTH]);

/// A secret that was replaced.
pub struct FormerSecret {
    secret: Secret,
    replaced_at: Millis,
}

impl FormerSecret {
    /// The secret before the one of a data folder, if there was one.
    ///
    /// # Errors
    /// If the file can't be read, or isn't one.
    pub fn load(folder: &Path) -> io::Result<Option<Self>> {
        let bytes = match fs::read(folder.join(FORMER_FILE)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let parts = bytes.split_first_chunk::<LENGTH>();
        let parts = parts.and_then(|(secret, time)| Some((secret, time.try_into().ok()?)));
        let (secret, time) = parts.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "the file 'secret.former' in the data folder is not 40 bytes long",
            )
        })?;
        Ok(Some(Self {
            secret: Secret(*secret),
            replaced_at: Millis(i64::from_be_bytes(time)),
        }))
    }

    /// When it was replaced.
    #[must_use]
    pub fn replaced_at(&self) -> Millis {
        self.replaced_at
    }

    pub(super) fn secret(&self) -> &Secret {
        &self.secret
    }
}

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
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(folder),
            Err(error) => Err(error),
        }
    }

    /// Puts a new secret in the place of a data folder's own, which becomes the
    /// former one.
    ///
    /// # Errors
    /// If a file can't be read or written.
    pub fn rotate(folder: &Path, now: Millis) -> io::Result<Self> {
        let former = Self::load_or_create(folder)?;
        // First, so that a crash in between leaves the tokens valid.
        let former = [&former.0[..], &now.0.to_be_bytes()].concat();
        write(folder, FORMER_FILE, &former)?;
        Self::create(folder)
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

    fn create(folder: &Path) -> io::Result<Self> {
        let mut bytes = [0; LENGTH];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        write(folder, FILE, &bytes)?;
        Ok(Self(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Writes a file beside its place and then moves it there, so that a crash
/// leaves no half a secret; and the disk knows it before anything is signed by
/// it.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let path = folder.join(name);
    let draft = folder.join(format!("{name}.new"));
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, &path)?;
    File::open(folder)?.sync_all()
}
