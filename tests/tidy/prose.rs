//! Measures how plainly the code and the docs are written, against the targets
//! of docs/STYLE.md.
//!
//! `cargo test --test tidy -- --nocapture prose` prints the figures.

use std::collections::HashMap;
use std::io;

use crate::tree::{SourceFile, read_tree};

/// Idioms and unusual phrases to avoid, in lower case.
pub(crate) const IDIOMS: [&str; 34] = [
    "whoever",
    "whomever",
    "whatever",
    "whichever",
    "whom",
    "somebody",
    "nobody",
    "everybody",
    "oneself",
    "one's",
    "but for",
    "all the same",
    "so many",
    "so much",
    "hear",
    "hears",
    "heard",
    "tell",
    "tells",
    "told",
    "telling",
    "stand",
    "stands",
    "stood",
    "let go",
    "lets go",
    "those who",
    "what waits",
    "who asks",
    "at its door",
    "door",
    "doors",
    "the same way",
    "knocks",
];

/// First words of sentences that hide their subject.
const VAGUE_STARTS: [&str; 6] = ["who", "whom", "what", "whose", "nobody", "those who"];

/// The counts over a set of texts.
#[derive(Default)]
struct Prose {
    words: usize,
    idioms: usize,
    sentences: Vec<usize>,
    vague_starts: usize,
}

impl Prose {
    fn add(&mut self, block: &str) {
        let plain = without_code(block);
        for sentence in sentences(&plain) {
            let words: Vec<String> = sentence
                .split_whitespace()
                .map(bare)
                .filter(|it| !it.is_empty())
                .collect();
            if words.is_empty() {
                continue;
            }
            let joined = format!(" {} ", words.join(" "));
            self.words += words.len();
            self.sentences.push(words.len());
            self.idioms += IDIOMS
                .iter()
                .map(|it| joined.matches(&format!(" {it} ")).count())
                .sum::<usize>();
            let is_vague = |start: &&str| joined.starts_with(&format!(" {start} "));
            self.vague_starts += usize::from(VAGUE_STARTS.iter().any(is_vague));
        }
    }

    fn idioms_per_thousand(&self) -> f64 {
        1000.0 * ratio(self.idioms, self.words)
    }

    fn vague_percent(&self) -> f64 {
        100.0 * ratio(self.vague_starts, self.sentences.len())
    }

    fn median_sentence(&mut self) -> usize {
        self.sentences.sort_unstable();
        let middle = self.sentences.len() / 2;
        self.sentences.get(middle).copied().unwrap_or(0)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of words are small")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// A word without its punctuation, in lower case.
fn bare(word: &str) -> String {
    let word = word.trim_matches(|sign: char| !sign.is_alphanumeric());
    word.to_lowercase().replace('\u{2019}', "'")
}

/// Replaces each code span by one word, because it counts as one word.
fn without_code(block: &str) -> String {
    let parts = block.split('`').enumerate();
    parts
        .map(|(at, part)| if at % 2 == 0 { part } else { "code" })
        .collect()
}

/// Splits a text after each `.`, `!` or `?` that white space or the end of the
/// text follows.
fn sentences(block: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut signs = block.char_indices().peekable();
    while let Some((at, sign)) = signs.next() {
        let is_last = signs.peek().is_none_or(|(_, next)| next.is_whitespace());
        if matches!(sign, '.' | '!' | '?') && is_last {
            found.extend(block.get(start..at));
            start = at + sign.len_utf8();
        }
    }
    found.extend(block.get(start..));
    found
}

// --- Texts of the tree ------------------------------------------------------

/// The comments of a Rust, JavaScript or CSS file: lines that follow each other
/// are one text.
fn comments(file: &SourceFile) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in file.text.lines() {
        let line = line.trim();
        let text = ["///", "//!", "//", "/**", "/*", "*"]
            .iter()
            .find_map(|sign| line.strip_prefix(sign));
        match (text, blocks.last_mut()) {
            (Some(text), Some(block)) if !text.trim().is_empty() => {
                block.push_str(text.trim_end_matches("*/").trim());
                block.push('\n');
            }
            _ => blocks.push(String::new()),
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

/// The paragraphs and list items of a page: no code, table, heading or list of
/// tests.
fn paragraphs(file: &SourceFile) -> Vec<String> {
    let mut blocks = vec![String::new()];
    let mut is_code = false;
    for line in file.text.lines() {
        let line = line.trim();
        if line.starts_with("```") {
            is_code = !is_code;
        }
        let is_item = line.starts_with("- ") || line.starts_with("* ") || numbered(line);
        let is_other = is_code || line.starts_with(['|', '#', '\u{2014}', '`']) || line.is_empty();
        if is_other || is_item {
            blocks.push(String::new());
        }
        if let (false, Some(block)) = (is_other, blocks.last_mut()) {
            block.push_str(line);
            block.push('\n');
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

fn numbered(line: &str) -> bool {
    let digits = line.trim_start_matches(|sign: char| sign.is_ascii_digit());
    digits.len() < line.len() && digits.starts_with(". ")
}

/// The names of the tests of a file.
fn test_names(file: &SourceFile) -> Vec<String> {
    let mut is_test = false;
    let mut names = Vec::new();
    for line in file.code.lines().map(str::trim) {
        if line.starts_with("#[") {
            is_test |= line.contains("test]") || line.contains("test(");
        } else if let Some((_, name)) = line.split_once("fn ").filter(|_| is_test) {
            names.extend(name.split(['(', '<']).next().map(str::to_owned));
            is_test = false;
        }
    }
    names
}

/// The types that a file defines, except those that SeaORM names.
fn type_names(file: &SourceFile) -> Vec<String> {
    const FIXED: [&str; 6] = [
        "Model",
        "Entity",
        "Column",
        "Relation",
        "ActiveModel",
        "Migration",
    ];
    let mut names = Vec::new();
    for line in file.code.lines() {
        let mut words = line
            .split_whitespace()
            .skip_while(|word| word.starts_with("pub"));
        let is_type = match words.next() {
            Some("struct" | "enum" | "trait" | "union") => true,
            // An indented `type` is in an `impl`: the trait names it.
            Some("type") => !line.starts_with(' '),
            _ => false,
        };
        let name = words.next().filter(|_| is_type).unwrap_or_default();
        let name = name.split(|sign: char| !sign.is_alphanumeric()).next();
        names.extend(
            name.filter(|it| !it.is_empty() && !FIXED.contains(it))
                .map(str::to_owned),
        );
    }
    names
}

// --- The targets --------------------------------------------------------------

/// Asserts a figure, and prints it.
#[expect(clippy::print_stdout, reason = "a test prints its figures")]
fn assert_at_most(name: &str, figure: f64, most: f64) {
    println!("{name}: {figure:.2} (at most {most})");
    assert!(
        figure <= most,
        "{name}: {figure:.2}, and at most {most} is wanted"
    );
}

fn prose_of(blocks: impl IntoIterator<Item = String>) -> Prose {
    let mut prose = Prose::default();
    for block in blocks {
        prose.add(&block);
    }
    prose
}

fn is_written(file: &SourceFile, endings: &[&str]) -> bool {
    let is_ours = [
        "src/",
        "entity/",
        "migration/",
        "tests/",
        "benches/",
        "static/js/",
        "static/css/",
    ]
    .iter()
    .any(|folder| file.path.starts_with(folder));
    is_ours && endings.iter().any(|ending| file.path.ends_with(ending))
}

fn is_page(file: &SourceFile) -> bool {
    let is_shown = file.path.starts_with("docs/") || !file.path.contains('/');
    is_shown && file.path.ends_with(".md")
}

#[test]
fn prose_of_comments_is_plain() -> io::Result<()> {
    let tree = read_tree()?;
    let sources = tree
        .iter()
        .filter(|file| is_written(file, &[".rs", ".js", ".css"]));
    let prose = prose_of(sources.flat_map(comments));
    assert_at_most(
        "idioms in 1,000 words of comments",
        prose.idioms_per_thousand(),
        3.0,
    );
    assert_at_most(
        "% of comment sentences with a vague start",
        prose.vague_percent(),
        1.5,
    );
    Ok(())
}

#[test]
fn prose_of_docs_is_plain() -> io::Result<()> {
    let tree = read_tree()?;
    let prose = prose_of(
        tree.iter()
            .filter(|file| is_page(file))
            .flat_map(paragraphs),
    );
    assert_at_most(
        "idioms in 1,000 words of docs",
        prose.idioms_per_thousand(),
        4.0,
    );
    assert_at_most(
        "% of docs' sentences with a vague start",
        prose.vague_percent(),
        1.5,
    );
    Ok(())
}

#[test]
fn prose_of_architecture_is_short() -> io::Result<()> {
    let tree = read_tree()?;
    let page = tree
        .iter()
        .filter(|file| file.path == "docs/ARCHITECTURE.md");
    let mut prose = prose_of(page.flat_map(paragraphs));
    println!(
        "median sentence of ARCHITECTURE: {} words",
        prose.median_sentence()
    );
    assert!((1..=18).contains(&prose.median_sentence()));
    Ok(())
}

#[test]
fn prose_of_test_names_is_short() -> io::Result<()> {
    let tree = read_tree()?;
    let names: Vec<_> = tree
        .iter()
        .filter(|file| file.is_rust())
        .flat_map(test_names)
        .collect();
    let words: usize = names.iter().map(|name| name.split('_').count()).sum();
    assert_at_most("words in a test name", ratio(words, names.len()), 6.3);
    let vague = |name: &&String| {
        VAGUE_STARTS
            .iter()
            .any(|it| name.starts_with(&format!("{it}_")))
    };
    let vague: Vec<_> = names.iter().filter(vague).collect();
    assert!(
        vague.is_empty(),
        "tests that do not name their subject: {vague:#?}"
    );
    Ok(())
}

#[test]
fn names_of_types_are_unique_and_clear() -> io::Result<()> {
    let tree = read_tree()?;
    let mut bearers: HashMap<String, usize> = HashMap::new();
    for name in tree
        .iter()
        .filter(|file| file.is_own_code())
        .flat_map(type_names)
    {
        *bearers.entry(name).or_default() += 1;
    }
    let all: usize = bearers.values().sum();
    let shared: usize = bearers.values().filter(|count| **count > 1).sum();
    assert_at_most(
        "% of types that share their name",
        100.0 * ratio(shared, all),
        15.0,
    );
    let letters: usize = bearers.iter().map(|(name, count)| name.len() * count).sum();
    let mean = ratio(letters, all);
    println!("mean length of a type name: {mean:.2} (at least 9.5)");
    assert!(mean >= 9.5, "{mean:.2}");
    Ok(())
}
