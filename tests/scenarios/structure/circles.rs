//! What the modules of a crate use of each other, and the circles that this makes.
//!
//! A module uses another if it imports a name that the other defines, or names it in a path, whichever modules hand
//! that name on. Calls of methods aren't seen: which module has them is a matter of types.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Crate;

/// How many re-exports a name is followed through.
const REEXPORTS_MAX: usize = 20;

impl Crate<'_> {
    /// The module that defines what a path names in a module, and that name; none for another crate's. The name is
    /// empty if it is the module itself.
    fn resolve(&self, at: usize, path: &[String], reexports: usize) -> Option<(usize, String)> {
        let (head, rest) = path.split_first()?;
        match head.as_str() {
            "crate" => self.find(0, rest, reexports),
            "self" => self.find(at, rest, reexports),
            "super" if rest.first().is_some_and(|next| next == "super") => {
                self.resolve(self.modules[at].parent, rest, reexports)
            }
            "super" => self.find(self.modules[at].parent, rest, reexports),
            _ => self
                .find(at, path, reexports)
                .filter(|found| *found != (at, head.clone()) || self.defines(at, head)),
        }
    }

    fn defines(&self, at: usize, name: &str) -> bool {
        self.modules[at].defines.contains(name)
    }

    /// The same for a path that begins in a module. What isn't found there, a macro defines there.
    fn find(&self, at: usize, path: &[String], reexports: usize) -> Option<(usize, String)> {
        let Some((head, rest)) = path.split_first() else { return Some((at, String::new())) };
        let module = &self.modules[at];
        if let Some(child) = module.children.get(head) {
            return self.find(*child, rest, reexports);
        }
        let imports =
            module.imports.iter().filter(|_| !module.defines.contains(head) && reexports < REEXPORTS_MAX);
        for import in imports.filter(|import| import.path != path) {
            if import.name == *head {
                return self.resolve(at, &[&import.path, rest].concat(), reexports + 1);
            }
            let inside = [&import.path, path].concat();
            let found = if import.name == "*" { self.resolve(at, &inside, reexports + 1) } else { None };
            if let Some(found) = found.filter(|(definer, _)| self.defines(*definer, head)) {
                return Some(found);
            }
        }
        Some((at, head.clone()))
    }

    /// The uses between modules: user and used, with the names.
    fn ties(&self) -> BTreeMap<(usize, usize), BTreeSet<String>> {
        let mut ties = BTreeMap::<_, BTreeSet<_>>::new();
        for (at, module) in self.modules.iter().enumerate() {
            let mut add = |used: usize, name: &str| {
                if used != at {
                    ties.entry((at, used)).or_default().insert(name.to_owned());
                }
            };
            for import in &module.imports {
                let Some((used, name)) = self.resolve(at, &import.path, 0) else { continue };
                let is_named = module.paths.iter().any(|path| path[0] == import.name);
                let is_below = self.modules[used].path.starts_with(&module.path);
                // A name of a module below is only handed on unless it is named here; a module's own name is no use
                // of it, because the paths through it are.
                if (is_named || !import.is_public || !is_below) && (!name.is_empty() || import.name == "*") {
                    add(used, if name.is_empty() { "*" } else { &name });
                }
            }
            for path in module.paths.iter().filter(|path| path.len() > 1) {
                if let Some((used, name)) = self.resolve(at, path, 0) {
                    add(used, &name);
                }
            }
        }
        ties
    }

    /// Each circle with what makes it: among the modules of one module, each with all below it, and that module.
    pub fn circles(&self) -> Vec<Circle> {
        let ties = self.ties();
        let mut circles = Vec::new();
        for at in 0..self.modules.len() {
            let depth = self.modules[at].path.len();
            let node = |module: usize| {
                let path = &self.modules[module].path;
                path.starts_with(&self.modules[at].path).then(|| &path[..path.len().min(depth + 1)])
            };
            let pair = |(user, used): &(usize, usize)| Some((node(*user)?, node(*used)?));
            let mut pairs: BTreeSet<_> =
                ties.keys().filter_map(pair).filter(|(user, used)| user != used).collect();
            // The root offers what is below it, so it stands on all of that.
            let up: Vec<_> = pairs.iter().copied().filter(|(_, used)| used.is_empty()).collect();
            pairs.extend(up.into_iter().map(|(user, root)| (root, user)));
            for names in strongly_connected(&pairs) {
                let is_inside = |(user, used): (&[String], &[String])| {
                    user != used && names.contains(user) && names.contains(used)
                };
                let made_by = ties.iter().filter(|(tie, _)| pair(tie).is_some_and(is_inside));
                let made_by = made_by.map(|((user, used), names)| {
                    let names: Vec<_> = names.iter().map(String::as_str).collect();
                    let file = |module: &usize| self.modules[*module].file.display().to_string();
                    format!("{} uses {}: {}", file(user), file(used), names.join(", "))
                });
                let shown = names.iter().map(|path| [&["crate".to_owned()], *path].concat().join("::"));
                let modules = shown.collect::<Vec<_>>().join(" <-> ");
                circles.push(Circle { modules, made_by: made_by.collect() });
            }
        }
        circles
    }
}

/// Modules each of which stands on all the others, and what they use of each other, a line each.
#[derive(Debug)]
pub struct Circle {
    pub modules: String,
    pub made_by: Vec<String>,
}

/// The sets of nodes that lead to each other.
fn strongly_connected<'a>(
    pairs: &BTreeSet<(&'a [String], &'a [String])>,
) -> BTreeSet<BTreeSet<&'a [String]>> {
    let reached = |from: &'a [String]| {
        let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(node) = next.pop() {
            let onward = pairs.iter().filter(|(user, _)| *user == node).map(|(_, used)| *used);
            next.extend(onward.filter(|used| reached.insert(*used)));
        }
        reached
    };
    let nodes: BTreeMap<_, _> = pairs.iter().map(|(user, _)| (*user, reached(user))).collect();
    let circle = |node: &&'a [String]| -> BTreeSet<&'a [String]> {
        nodes[*node]
            .iter()
            .copied()
            .filter(|other| nodes.get(other).is_some_and(|back| back.contains(*node)))
            .collect()
    };
    nodes.keys().map(circle).filter(|circle| !circle.is_empty()).collect()
}
