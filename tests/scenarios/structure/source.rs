//! The modules of a crate: what each defines, imports and names, as its source says.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    slice,
};

use syn::{
    Attribute, Ident, ImplItemFn, Item, ItemMod, ItemUse, Macro, Meta, Token, UseTree, Visibility,
    buffer::{Cursor, TokenBuffer},
    punctuated::Punctuated,
    visit::{self, Visit},
};

/// A name that a `use` brings into a module, and what it stands for; `*` for all names of that.
pub struct Import {
    pub path: Vec<String>,
    pub name: String,
    pub is_public: bool,
}

/// A module as its source says: what it defines, imports and names.
#[derive(Default)]
pub struct Module {
    pub path: Vec<String>,
    pub parent: usize,
    pub file: PathBuf,
    /// The folder of its children's files.
    pub folder: PathBuf,
    pub children: BTreeMap<String, usize>,
    pub defines: BTreeSet<String>,
    pub imports: Vec<Import>,
    pub paths: Vec<Vec<String>>,
}

impl Module {
    fn import(&mut self, tree: &UseTree, before: &[String], visibility: &Visibility) {
        let with = |ident: &Ident| match name_of(ident) {
            name if name == "self" && !before.is_empty() => before.to_vec(),
            name => [before, &[name]].concat(),
        };
        let (path, name) = match tree {
            UseTree::Path(branch) => return self.import(&branch.tree, &with(&branch.ident), visibility),
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.import(tree, before, visibility));
            }
            UseTree::Glob(_) => (before.to_vec(), "*".to_owned()),
            UseTree::Name(name) => (with(&name.ident), with(&name.ident).pop().unwrap_or_default()),
            UseTree::Rename(renamed) => (with(&renamed.ident), name_of(&renamed.rename)),
        };
        let is_public = !matches!(visibility, Visibility::Inherited);
        self.imports.push(Import { path, name, is_public });
    }

    /// Finds the paths among tokens that aren't parsed: those of macros, and `with = "a::b"` of attributes.
    fn scan(&mut self, mut cursor: Cursor<'_>) {
        while !cursor.eof() {
            if let Some((inside, _, _, rest)) = cursor.any_group() {
                self.scan(inside);
                cursor = rest;
            } else if let Some((literal, rest)) = cursor.literal() {
                let text = literal.to_string();
                if let (true, Ok(path)) = (text.contains("::"), syn::parse_str(text.trim_matches('"'))) {
                    self.visit_path(&path);
                }
                cursor = rest;
            } else if let Some((first, rest)) = cursor.ident() {
                let mut path = vec![name_of(&first)];
                cursor = rest;
                while let Some((next, rest)) = segment(cursor) {
                    path.push(name_of(&next));
                    cursor = rest;
                }
                self.paths.push(path);
            } else if let Some((_, rest)) = cursor.token_tree() {
                cursor = rest;
            }
        }
    }
}

impl Visit<'_> for Module {
    fn visit_item(&mut self, item: &Item) {
        if !is_for_tests(parts(item).0) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, method: &ImplItemFn) {
        if !is_for_tests(&method.attrs) {
            visit::visit_impl_item_fn(self, method);
        }
    }

    fn visit_item_use(&mut self, item: &ItemUse) {
        // A path that begins with `::` is another crate's.
        if item.leading_colon.is_none() {
            self.import(&item.tree, &[], &item.vis);
        }
    }

    fn visit_path(&mut self, path: &syn::Path) {
        if path.leading_colon.is_none() {
            self.paths.push(path.segments.iter().map(|segment| name_of(&segment.ident)).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &Macro) {
        self.visit_path(&call.path);
        self.scan(TokenBuffer::new2(call.tokens.clone()).begin());
    }

    fn visit_attribute(&mut self, attribute: &Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.scan(TokenBuffer::new2(list.tokens.clone()).begin());
        }
    }
}

fn name_of(ident: &Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_owned()
}

/// The `::name` that comes next.
fn segment(cursor: Cursor<'_>) -> Option<(Ident, Cursor<'_>)> {
    let (first, rest) = cursor.punct()?;
    let (second, rest) = rest.punct()?;
    if (first.as_char(), second.as_char()) == (':', ':') { rest.ident() } else { None }
}

/// An item's attributes, and the name that it defines.
fn parts(item: &Item) -> (&[Attribute], Option<&Ident>) {
    match item {
        Item::Const(item) => (&item.attrs, Some(&item.ident)),
        Item::Enum(item) => (&item.attrs, Some(&item.ident)),
        Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
        Item::Impl(item) => (&item.attrs, None),
        Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
        Item::Mod(item) => (&item.attrs, None),
        Item::Static(item) => (&item.attrs, Some(&item.ident)),
        Item::Struct(item) => (&item.attrs, Some(&item.ident)),
        Item::Trait(item) => (&item.attrs, Some(&item.ident)),
        Item::Type(item) => (&item.attrs, Some(&item.ident)),
        Item::Use(item) => (&item.attrs, None),
        _ => (&[], None),
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    fn is_test(meta: &Meta) -> bool {
        let Meta::List(list) = meta else { return meta.path().is_ident("test") };
        let all = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).unwrap_or_default();
        (list.path.is_ident("all") && all.iter().any(is_test))
            || (list.path.is_ident("any") && all.iter().all(is_test))
    }
    let configured = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    configured.filter_map(|attribute| attribute.parse_args::<Meta>().ok()).any(|meta| is_test(&meta))
}

/// The path of a module's `#[path]`.
pub fn given_path(attributes: &[Attribute]) -> Option<String> {
    let attribute = attributes.iter().find(|attribute| attribute.path().is_ident("path"))?;
    let Meta::NameValue(given) = &attribute.meta else { return None };
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(path), .. }) = &given.value else { return None };
    Some(path.value())
}

/// The modules of a crate, its root first.
pub struct Crate<'a> {
    pub modules: Vec<Module>,
    source: &'a dyn Fn(&Path) -> Option<String>,
}

impl<'a> Crate<'a> {
    pub fn read(root: &Path, source: &'a dyn Fn(&Path) -> Option<String>) -> Self {
        let folder = root.parent().unwrap().to_owned();
        let mut read = Self { modules: Vec::new(), source };
        let module = Module { file: root.to_owned(), folder, ..Module::default() };
        let items = read.items(root).expect("the crate has a root");
        read.add(module, items);
        read
    }

    fn items(&self, file: &Path) -> Option<Vec<Item>> {
        let text = (self.source)(file)?;
        Some(syn::parse_file(&text).unwrap_or_else(|why| panic!("{}: {why}", file.display())).items)
    }

    fn add(&mut self, mut module: Module, items: Vec<Item>) -> usize {
        let (at, mut declared) = (self.modules.len(), Vec::new());
        for item in items {
            let (attributes, name) = parts(&item);
            match item {
                _ if is_for_tests(attributes) => {}
                Item::Mod(child) => declared.push(child),
                _ => {
                    module.defines.extend(name.map(name_of));
                    module.visit_item(&item);
                }
            }
        }
        self.modules.push(module);
        for child in declared {
            let name = name_of(&child.ident);
            let child = self.add_child(at, child);
            self.modules[at].children.insert(name, child);
        }
        at
    }

    fn add_child(&mut self, parent: usize, child: ItemMod) -> usize {
        let Module { path, file, folder, .. } = &self.modules[parent];
        let name = name_of(&child.ident);
        let path = [&path[..], slice::from_ref(&name)].concat();
        let inside = folder.join(&name);
        let (file, folder, items) = match (child.content, given_path(&child.attrs)) {
            (Some((_, items)), _) => (file.clone(), inside, items),
            (None, Some(given)) => {
                let file = normal(&file.parent().unwrap().join(given));
                let items = self.items(&file).unwrap_or_else(|| panic!("there is no {}", file.display()));
                (file.clone(), file.parent().unwrap().to_owned(), items)
            }
            (None, None) => {
                let files = [inside.with_extension("rs"), inside.join("mod.rs")];
                let mut found = files.into_iter().filter_map(|file| Some((self.items(&file)?, file)));
                let (items, file) = found.next().unwrap_or_else(|| panic!("no file is {path:?}"));
                (file, inside, items)
            }
        };
        self.add(Module { path, parent, file, folder, ..Module::default() }, items)
    }

    /// The files that were read.
    pub fn files(&self) -> BTreeSet<&Path> {
        self.modules.iter().map(|module| module.file.as_path()).collect()
    }
}

/// A path without the `..` in it.
pub fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut normal, part| {
        if part.as_os_str() != ".." {
            normal.push(part);
        } else if !normal.pop() {
            panic!("{} leads out of everything", path.display());
        }
        normal
    })
}
