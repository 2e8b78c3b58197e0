// Makes one rtcdn.d.ts of the declarations that tsc wrote: what may be imported of the bundle, and what that names.
// Fails when a value is declared that the bundle does not have, or the other way round.
// node declarations.mjs FOLDER FILE BUNDLE

import {readFileSync, writeFileSync} from 'node:fs';
import {join, resolve} from 'node:path';

const [folder, file, bundle] = process.argv.slice(2);
const seen = new Set();
const parts = [];

/** The declarations of a module after those that it imports. */
function take(name) {
  if (seen.has(name)) return;
  seen.add(name);
  const text = readFileSync(join(folder, `${name}.d.ts`), 'utf8');
  for (const [, other] of text.matchAll(/from '\.\/([\w.]+)'/g)) take(other);
  parts.push(text.replace(/^(import|export \*|export (type )?\{).*;\n/gm, '').trim());
}

take('index');
const text = `${parts.filter(Boolean).join('\n')}\n`;
writeFileSync(file, text);

const values = text.matchAll(/^export declare (?:function|class|enum|const) (\w+)/gm);
const declared = [...values].map(([, name]) => name).sort();
const exported = Object.keys(await import(resolve(bundle))).sort();
if (String(declared) !== String(exported)) {
  console.error(`declared: ${declared}\nexported: ${exported}`);
  process.exit(1);
}
