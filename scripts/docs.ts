// Generates pages and sections of pages from the sources: npm run docs [-- --check]
// With --check nothing is written, and a page that is out of date is an error.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { TObject, TSchema } from 'typebox'
import { EnvironmentSchema } from '../src/config/environment.ts'
import { type CatalogueEntry, catalogue, isRetryable } from '../src/errors/index.ts'
import { permissionsOf } from '../src/lib/graph-permissions.ts'
import { type EventName, events } from '../src/plugins/observability/audit.ts'
import { tools } from '../src/tools/index.ts'
import { folderGraph, pluginGraph } from './import-graph.ts'

const check = process.argv.includes('--check')
const variables = Object.entries(EnvironmentSchema.properties)

/** Sources without a comment that says what they are for. */
const undescribed: string[] = []

const stale = [
  page('docs/configuration.md', (text) => withSection(text, 'Variables', variableTable())),
  page('.env.local.sample', () => sampleFile()),
  page('docs/audit-events.md', (text) =>
    (Object.keys(events) as EventName[]).reduce(
      (all, name) => withSection(all, name, eventText(name)),
      withoutOtherSections(text, Object.keys(events)),
    ),
  ),
  page('docs/errors.md', (text) => withSection(text, 'Reasons', reasonTable())),
  page('docs/setup-entra.md', (text) => withSection(text, 'Permissions and roles', permissionTable())),
  page('docs/architecture.md', (text) =>
    withSection(withSection(text, 'Imports', importGraphs()), 'Every file', fileList('src')),
  ),
].filter((path) => path !== undefined)

for (const path of stale) process.stderr.write(`${path} ${check ? 'is out of date: run npm run docs' : 'written'}\n`)
for (const path of undescribed)
  process.stderr.write(`${path} has an empty row in docs/architecture.md: add a comment\n`)
if ((check && stale.length > 0) || undescribed.length > 0) process.exitCode = 1

/** @returns the path of a page that was out of date */
function page(path: string, write: (text: string) => string): string | undefined {
  const before = readFileSync(path, 'utf8')
  const after = write(before)
  if (after === before) return undefined
  if (!check) writeFileSync(path, after)
  return path
}

/** Replaces the text under a heading, up to the next heading of any level. */
function withSection(text: string, heading: string, body: string): string {
  const pattern = new RegExp(`^(#+ ${heading}\\n)[\\s\\S]*?(?=^#+ |(?![\\s\\S]))`, 'm')
  if (!pattern.test(text)) throw new Error(`No heading "${heading}"`)
  return text.replace(pattern, (_, line) => `${line}\n${body}\n\n`).replace(/\n+$/, '\n')
}

/** Drops the third-level sections that are named for nothing that there is. */
function withoutOtherSections(text: string, names: readonly string[]): string {
  return text.replaceAll(/^### (.+)\n[\s\S]*?(?=^#+ |(?![\s\S]))/gm, (whole, name) =>
    names.includes(name) ? whole : '',
  )
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function variableTable(): string {
  const rows = variables.map(([name, { description, isRequired, default: value, production }]) => [
    `\`${name}\``,
    value === undefined ? '' : `\`${value}\``,
    `${isRequired ? 'required: ' : ''}${description}`,
    production ?? '',
  ])
  return table(['variable', 'default', 'description', 'in production'], rows)
}

function reasonTable(): string {
  const rows = Object.entries<CatalogueEntry>(catalogue).map(([reason, entry]) => [
    `\`${reason}\``,
    sentAs(entry),
    entry.text,
    isRetryable(entry) ? 'yes' : 'no',
    entry.fix,
  ])
  return table(
    ['reason', 'sent as', 'text', 'retry', 'what to do'],
    rows.map((cells) => cells.map(escapeAngles)),
  )
}

function sentAs(entry: CatalogueEntry): string {
  switch (entry.kind) {
    case 'http':
      return `HTTP ${entry.status}${entry.challenge === undefined ? '' : `, \`${entry.challenge}\``}`
    case 'oauth':
      return `OAuth ${entry.status}, \`${entry.error}\``
    case 'tool':
      return 'tool error'
  }
}

/** A placeholder such as <token> is no HTML. */
function escapeAngles(text: string): string {
  return text.replaceAll('<', '&lt;')
}

/** The Graph permissions that tools need, each with its roles and its tools. */
function permissionTable(): string {
  const rows = permissionsOf(tools).map(({ scope, purpose, roles }) => [
    `\`${scope}\``,
    purpose,
    roles.length === 0 ? 'any user' : roles.join(' or '),
    tools
      .filter(({ permissions }) => permissions.some((one) => one.scope === scope))
      .map(({ definition }) => `\`${definition.name}\``)
      .join(', '),
  ])
  const intro = `Delegated permissions of Microsoft Graph that the app needs, with an administrator's consent, and the role that a user
needs beside it: the least privileged one that suffices.`
  return `${intro}\n\n${table(['permission', 'to', 'role of the user', 'tools'], rows)}`
}

function sampleFile(): string {
  const head = `# Copy to .env.local and set the first three variables. "npm run dev" and "npm start" read it, except in production.
# The environment takes precedence. An empty value counts as not set. Commented lines show the default.
`
  const lines = variables.map(([name, { description, isRequired, default: value = '', production }]) => {
    const sentence = `${description.charAt(0).toUpperCase()}${description.slice(1)}`.replaceAll('`', '')
    const inProduction = production === undefined ? '' : `. In production: ${production.replaceAll('`', '')}`
    const quoted = value.includes(' ') ? `"${value}"` : value
    return `# ${sentence}${inProduction}\n${isRequired ? '' : '# '}${name}=${quoted}\n`
  })
  return `${head}\n${lines.join('')}`
}

function eventText(name: EventName): string {
  const { level, description, fields } = events[name]
  const rows = Object.keys(fields.properties).map((field) => fieldRow(fields, field))
  const sentence = `At \`${level}\`. ${description}.`
  return rows.length === 0 ? sentence : `${sentence}\n\n${table(['field', 'type', 'meaning'], rows)}`
}

function fieldRow(schema: TObject, name: string): string[] {
  const field = schema.properties[name] as TSchema & { type?: string; enum?: string[]; description?: string }
  // Reasons have a page of their own.
  const isListed = field.enum !== undefined && name !== 'reason' && name !== 'outcome'
  const type = isListed ? field.enum?.map((value) => `\`${value}\``).join(', ') : field.type
  const mark = schema.required?.includes(name) ? '' : '?'
  return [`\`${name}${mark}\``, type ?? (field.enum === undefined ? 'object' : 'string'), field.description ?? '']
}

function importGraphs(): string {
  return `The folders of \`src/\`. An arrow is an import; one that others imply is left out.

${folderGraph()}

Plugins among each other: a dotted arrow imports types alone, a solid one code.

${pluginGraph()}`
}

/** Every source below a folder, with what it is for. */
function fileList(folder: string): string {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((one, other) => (one.name < other.name ? -1 : 1))
  const files = entries.filter((entry) => entry.name.endsWith('.ts')).map(({ name }) => `${folder}/${name}`)
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${folder}/${name}`)
  const rows = files.map((path) => [`[${basename(path)}](../${path})`, summaryOf(path)])
  const own = rows.length > 0 ? [`\`${folder}/\``, table(['file', 'what'], rows)] : []
  return [...own, ...folders.map(fileList)].join('\n\n')
}

/**
 * What a file is for: the title of a tool; else the first sentence of a comment, which is the one at the top of the file,
 * with a blank line below, or the one on the export that is named as the file (index.ts: as its folder), on the first
 * function, or on the first export.
 */
function summaryOf(path: string): string {
  const name = basename(path.replace(/\/index\.ts$/, ''), '.ts').replaceAll('-', '')
  const isNamesake = (word = '') => word.toLowerCase().replace(/^(create|read|build)/, '') === name
  const tool = tools.find(({ definition }) => definition.name.toLowerCase() === name)
  if (tool !== undefined) return tool.definition.title
  const source = readFileSync(path, 'utf8')
  const exported = /\/\*\*[\s*]*(?![\s*]*@)((?:(?!\*\/)[\s\S])*)\*\/\nexport (?:async )?(\w+) (\w+)/g
  const comments = [...source.matchAll(exported)]
  const [, comment = ''] =
    /^\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n\n/.exec(source) ??
    comments.find(([, , , word]) => isNamesake(word)) ??
    comments.find(([, , kind]) => kind === 'function') ??
    comments[0] ??
    []
  if (comment === '') undescribed.push(path)
  return firstSentence(comment)
}

function firstSentence(comment: string): string {
  const text = comment
    .replace(/^\*/, '')
    .replaceAll(/\s*\n\s*\*\s?/g, ' ')
    .trim()
  return (/^.*?[.:](?= |$)/.exec(text)?.[0] ?? text)
    .replace(/[.:]$/, '')
    .replace(/ \([^)]*$/, '')
    .replaceAll(/\{@link (\w+)\}/g, '`$1`')
    .replaceAll('|', '\\|')
}
