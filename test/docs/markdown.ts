import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

export function readText(path: string): string {
  return readFileSync(root + path, 'utf8')
}

/** Files below a folder, as paths from the root; what is hidden, built or installed is left out. */
export function filesBelow(folder: string, extension: string): string[] {
  return readdirSync(root + folder, { withFileTypes: true }).flatMap((entry) => {
    if (/^\.|^(node_modules|dist|coverage)$/.test(entry.name)) return []
    const path = folder + entry.name
    if (entry.isDirectory()) return filesBelow(`${path}/`, extension)
    return path.endsWith(extension) ? [path] : []
  })
}

/** What stands under a heading, up to the next one of its rank or above. */
export function section(markdown: string, heading: string): string {
  const lines = markdown.split('\n')
  const start = lines.findIndex((line) => line.replace(/^#+ /, '') === heading && line.startsWith('#'))
  if (start === -1) throw new Error(`There is no heading "${heading}"`)
  const rank = lines[start]?.indexOf(' ') ?? 0
  const length = lines.slice(start + 1).findIndex((line) => /^#+ /.test(line) && line.indexOf(' ') <= rank)
  return lines.slice(start + 1, length === -1 ? undefined : start + 1 + length).join('\n')
}

/** The cells of every table row of a text, head and rule left out. */
export function tableRows(markdown: string): string[][] {
  const rows = markdown
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').slice(1, -1))
  const bodies = rows.filter((cells, index) => !isRule(cells) && !isRule(rows[index + 1]))
  return bodies.map((cells) => cells.map((cell) => cell.trim()))
}

function isRule(cells: string[] | undefined): boolean {
  return cells?.every((cell) => /^ *:?-+:? *$/.test(cell)) === true
}

/** What stands between single backticks, code blocks left out. */
export function codeSpans(markdown: string): string[] {
  return [...withoutBlocks(markdown).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
}

export function withoutBlocks(markdown: string): string {
  return markdown.replaceAll(/^```.*?^```$/gms, '')
}

/** The code blocks of a language. */
export function codeBlocks(markdown: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms')
  return [...markdown.matchAll(fence)].map(([, code = '']) => code)
}
