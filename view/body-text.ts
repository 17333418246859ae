/**
 * A post's text in parts, as the server renders it (src/plugins/message-center/html-to-plain-text.ts). It was HTML of
 * somebody else's once and is never HTML again: everything here is text, shown as text.
 */
export type Block =
  | { readonly kind: 'heading' | 'question' | 'paragraph'; readonly text: string }
  | { readonly kind: 'list'; readonly isOrdered: boolean; readonly items: readonly string[] }
  | { readonly kind: 'table'; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: 'quote'; readonly blocks: readonly Block[] }

export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'image'; readonly text: string }
  | { readonly kind: 'link'; readonly url: string }
  /** Another message. */
  | { readonly kind: 'message'; readonly id: string }

const item = /^ *(?:\*|-|\d{1,3}\.) +/
const quoted = /^> ?/

/** Replies to replies are rare, and whoever writes a thousand marks wants something else. */
const deepestQuote = 4

export function blocksOf(text: string, depth = 0): Block[] {
  return text
    .split(/\n(?: *\n)+/)
    .filter((part) => part.trim() !== '')
    .flatMap((part) => blocksOfPart(part.split('\n'), depth))
    .reduce<Block[]>(joined, [])
}

/** Lines without an empty one among them: runs of the same kind. */
function blocksOfPart(lines: readonly string[], depth: number): Block[] {
  const [only = ''] = lines
  if (lines.length === 1 && isHeading(only)) return [{ kind: 'heading', text: withoutMarks(only) }]
  const runs: { kind: Block['kind']; lines: string[] }[] = []
  for (const line of lines) {
    const last = runs.at(-1)
    const kind = kindOf(line, depth)
    // A line that goes on in the next one.
    const isContinued = last?.kind === 'list' && kind === 'paragraph' && line.startsWith('  ')
    if (last !== undefined && isContinued) last.lines.push(`${last.lines.pop()} ${line.trim()}`)
    else if (last?.kind === kind) last.lines.push(line)
    else runs.push({ kind, lines: [line] })
  }
  return runs.flatMap((run) => (run.kind === 'paragraph' ? paragraphsOf(run.lines) : [blockOf(run, depth)]))
}

/** A question has its answer in the lines below it. */
function paragraphsOf(lines: readonly string[]): Block[] {
  const [first = '', ...rest] = lines
  const isQuestion = rest.length > 0 && /^\p{Lu}.{5,150}\?$/u.test(first)
  return isQuestion
    ? [
        { kind: 'question', text: first },
        { kind: 'paragraph', text: rest.join('\n') },
      ]
    : [{ kind: 'paragraph', text: lines.join('\n') }]
}

function kindOf(line: string, depth: number): Block['kind'] {
  if (depth < deepestQuote && quoted.test(line)) return 'quote'
  if (item.test(line)) return 'list'
  return line.includes(' | ') ? 'table' : 'paragraph'
}

function blockOf({ kind, lines }: { kind: Block['kind']; lines: readonly string[] }, depth: number): Block {
  switch (kind) {
    case 'quote':
      return { kind, blocks: blocksOf(lines.map((line) => line.replace(quoted, '')).join('\n'), depth + 1) }
    case 'list':
      return { kind, isOrdered: /^ *\d/.test(lines[0] ?? ''), items: lines.map((line) => line.replace(item, '')) }
    case 'table':
      return { kind, rows: lines.map((line) => line.split(' | ')) }
    default:
      return { kind: 'paragraph', text: lines.join('\n') }
  }
}

/** Quotes are one where only an empty line, itself quoted, was between them. */
function joined(blocks: Block[], block: Block): Block[] {
  const last = blocks.at(-1)
  if (last?.kind === 'quote' && block.kind === 'quote') {
    return [...blocks.slice(0, -1), { kind: 'quote', blocks: [...last.blocks, ...block.blocks] }]
  }
  return [...blocks, block]
}

/** "[When this will happen:]", "When this will happen": a short line alone that is no sentence. */
function isHeading(line: string): boolean {
  const text = line.trim()
  if (/^\[(?!image:)[^[\]]{3,90}\]$/.test(text)) return true
  return (
    text.length <= 70 && /^\p{Lu}[^[\]|]+[^.!?;,\]]$/u.test(text) && !/^[\p{L}\d ]+: ./u.test(text) && !item.test(line)
  )
}

function withoutMarks(line: string): string {
  return line
    .trim()
    .replace(/^\[|\]$/g, '')
    .replace(/:$/, '')
}

const inline =
  /(?<message>\bMC\d{1,10})(?: \[https:\/\/admin\.microsoft\.com\/[^\s[\]]*\/messages\/MC\d{1,10}\])?|\[?(?<url>https?:\/\/[^\s<>"[\]]+[^\s<>"[\].,;:!?)])\]?|\[image: (?<image>[^\]]*)\]|(?<anyImage>\[image\])/g

/** Links, images and other messages within a text. */
export function inlinesOf(text: string): Inline[] {
  const parts: Inline[] = []
  let end = 0
  for (const match of text.matchAll(inline)) {
    const { message, url, image = '' } = match.groups ?? {}
    if (match.index > end) parts.push({ kind: 'text', text: text.slice(end, match.index) })
    if (message !== undefined) parts.push({ kind: 'message', id: message })
    else if (url !== undefined && URL.canParse(url)) parts.push({ kind: 'link', url })
    else parts.push({ kind: url === undefined ? 'image' : 'text', text: url ?? image })
    end = match.index + match[0].length
  }
  if (end < text.length) parts.push({ kind: 'text', text: text.slice(end) })
  return parts
}

/** "learn.microsoft.com/planner": where a link leads, so that nobody has to trust what it calls itself. */
export function shownUrl(url: string): string {
  const { host, pathname } = new URL(url)
  const path = pathname.replace(/\/$/, '')
  const shown = `${host.replace(/^www\./, '')}${path}`
  return shown.length > 48 ? `${shown.slice(0, 47)}…` : shown
}
