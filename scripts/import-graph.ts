import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** An import of one node by another; `code`: of more than types. */
interface Import {
  readonly from: string
  readonly to: string
  readonly code: boolean
}

/**
 * The folders of `src/`, as a Mermaid flowchart of who imports whom. An import that others imply is left out.
 *
 * @throws an Error where folders import each other in a circle
 */
export function folderGraph(): string {
  const imports = importsBetween(([top = '']) => top)
  return flowchart('TD', withoutImplied(imports))
}

/** The folders of `src/plugins/`, as a Mermaid flowchart: a solid arrow imports code, a dotted one types alone. */
export function pluginGraph(): string {
  return flowchart(
    'LR',
    importsBetween(([top, plugin]) => (top === 'plugins' ? plugin : undefined)),
  )
}

/** Imports between nodes, sorted. @param nodeOf the node that a file belongs to, by the parts of its path below `src/` */
function importsBetween(nodeOf: (path: readonly string[]) => string | undefined): Import[] {
  const found = new Map<string, Import>()
  for (const file of readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))) {
    const from = nodeOf(file.split('/'))
    for (const [, what = '', path = ''] of readFileSync(join('src', file), 'utf8').matchAll(importStatement)) {
      const to = nodeOf(join(dirname(file), path).split('/'))
      if (from === undefined || to === undefined || from === to) continue
      const key = `${from} ${to}`
      found.set(key, { from, to, code: found.get(key)?.code === true || !isOfTypes(what) })
    }
  }
  return [...found.keys()].sort().flatMap((key) => found.get(key) ?? [])
}

/** Static imports and exports, and dynamic imports, of files of ours. */
const importStatement = /(?:^(?:import|export) ([^'"]*?) ?from |\bimport\()'(\.[^']+)'/gm

function isOfTypes(what: string): boolean {
  if (what.startsWith('type ')) return true
  const names = /^\{([^}]*)\}$/.exec(what)?.[1]?.split(',') ?? []
  return names.length > 0 && names.every((name) => /^\s*(type |$)/.test(name))
}

function withoutImplied(imports: readonly Import[]): Import[] {
  const reachable = (node: string, path: readonly string[] = []): Set<string> => {
    if (path.includes(node)) throw new Error(`Imports in a circle: ${[...path, node].join(' → ')}`)
    const next = imports.filter(({ from }) => from === node).map(({ to }) => to)
    return new Set(next.flatMap((to) => [to, ...reachable(to, [...path, node])]))
  }
  return imports.filter(
    ({ from, to }) => !imports.some((other) => other.from === from && other.to !== to && reachable(other.to).has(to)),
  )
}

function flowchart(direction: string, imports: readonly Import[]): string {
  const names = [...new Set(imports.flatMap(({ from, to }) => [from, to]))].sort()
  const nodes = names.filter((name) => idOf(name) !== name).map((name) => `  ${idOf(name)}["${name}"]`)
  const arrows = imports.map(({ from, to, code }) => `  ${idOf(from)} ${code ? '-->' : '-.->'} ${idOf(to)}`)
  return ['```mermaid', `flowchart ${direction}`, ...nodes, ...arrows, '```'].join('\n')
}

/** A Mermaid id: one that begins with `graph-` would be taken for a keyword. */
function idOf(name: string): string {
  return name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
}
