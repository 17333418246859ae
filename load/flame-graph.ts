/**
 * A processor profile as a picture: `node --import tsx load/flame-graph.ts FILE.cpuprofile 'Title' > FILE.svg`.
 *
 * Profiles come from `node --cpu-prof dist/server.js`, which writes one when the server ends. Each bar is a function, as
 * wide as the share of busy time that was spent in it and in what it called, on top of its caller. Idle time is left out,
 * and bars too narrow to see.
 */
import { readFileSync } from 'node:fs'
import { escaped } from './report/chart.ts'

interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string }
  readonly children?: readonly number[]
}
/** The DevTools protocol's `Profiler.Profile`. */
interface Profile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}
interface Frame {
  readonly name: string
  us: number
  readonly callees: Map<string, Frame>
}

const width = 1_200
const barHeight = 17
const fontSize = 11
/** Of the whole; narrower bars are left out. */
const leastShare = 0.003
/** A character's width in the font below, roughly. */
const charWidth = 6.2

const [file, title = ''] = process.argv.slice(2)
if (file === undefined) {
  process.stderr.write('Name a .cpuprofile, and a title.\n')
  process.exit(2)
}
process.stdout.write(draw(framesOf(JSON.parse(readFileSync(file, 'utf8')) as Profile), title))

/** Samples by the path of functions that they were taken in; a function that calls itself is one frame. */
function framesOf({ nodes, samples, timeDeltas }: Profile): Frame {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const callerOf = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)))
  const root: Frame = { name: 'busy time', us: 0, callees: new Map() }
  for (const [index, sample] of samples.entries()) {
    const path: string[] = []
    for (let id: number | undefined = sample; id !== undefined; id = callerOf.get(id)) {
      const name = nameOf(byId.get(id))
      if (name !== undefined && name !== path[0]) path.unshift(name)
    }
    if (path[0] === '(idle)') continue
    const us = timeDeltas[index] ?? 0
    root.us += us
    let frame = root
    for (const name of path) {
      const callee: Frame = frame.callees.get(name) ?? { name, us: 0, callees: new Map() }
      frame.callees.set(name, callee)
      callee.us += us
      frame = callee
    }
  }
  return root
}

function nameOf(node: ProfileNode | undefined): string | undefined {
  const { functionName = '', url = '' } = node?.callFrame ?? {}
  if (functionName === '(root)') return undefined
  const origin = url.startsWith('node:') ? ` ${url}` : ''
  return `${functionName === '' ? '(anonymous)' : functionName}${origin}`
}

function draw(root: Frame, heading: string): string {
  const bars: string[] = []
  let depths = 0
  const bar = (frame: Frame, left: number, depth: number) => {
    const share = frame.us / root.us
    if (share < leastShare) return
    depths = Math.max(depths, depth + 1)
    const w = share * width
    // As much of the name as fits.
    const shown = frame.name.slice(0, Math.max(0, Math.floor((w - 6) / charWidth)))
    const told = `${frame.name}: ${(share * 100).toFixed(1)} %`
    const x = left.toFixed(1)
    bars.push(
      `<g><title>${escaped(told)}</title><rect x="${x}" y="${-depth * barHeight}" width="${Math.max(w - 0.5, 0.5).toFixed(1)}" height="${barHeight - 1}" fill="hsl(${hueOf(frame.name)} 70% 72%)"/>` +
        (shown.length < 3
          ? ''
          : `<text x="${(left + 3).toFixed(1)}" y="${-depth * barHeight + 12}">${escaped(shown)}</text>`) +
        '</g>',
    )
    let at = left
    for (const callee of [...frame.callees.values()].sort((a, b) => b.us - a.us)) {
      bar(callee, at, depth + 1)
      at += (callee.us / root.us) * width
    }
  }
  bar(root, 0, 0)
  const height = depths * barHeight
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height + 30}" font-family="monospace" font-size="${fontSize}">`,
    `<title>${escaped(heading)}</title>`,
    `<rect width="${width}" height="${height + 30}" fill="#fff"/><text x="4" y="18" font-size="14">${escaped(heading)}</text>`,
    `<g transform="translate(0 ${height + 30 - barHeight})">`,
    ...bars,
    '</g></svg>',
    '',
  ].join('\n')
}

/** The same for the same name, in both of two pictures. */
function hueOf(name: string): number {
  let hash = 7
  for (const char of name) hash = (hash * 31 + char.charCodeAt(0)) % 997
  return hash % 60
}
