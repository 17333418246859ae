import { findDates, nextYear, type YearMonth } from './dates.ts'
import { headings, introducesTimeline, type Section } from './words.ts'

/** A line of a post, without its bullet and addresses. */
export interface Line {
  /** Its place among the lines that say something. */
  index: number
  text: string
  section: Section
  /** How far it is indented. */
  depth: number
  /** The date of the update paragraph it stands in, else of the post. */
  base: YearMonth | undefined
}

const bullet = /^\s*(?:(?:[*•·–-]|\d{1,2}\.|[a-z]\.)\s+)?/
/** Addresses and images, as the rendering of a body writes them. */
const brackets = / ?\[(?:(?:https?|mailto|tel):|image\b)[^\]\n]{0,2000}\]?/g
/** Most lines open no section: one look tells. */
const anyHeading = new RegExp(headings.map(([, { source }]) => source).join('|'), 'i')
const stamp = /^\(?(?:updated?|revised|edited|new)\b[\s\u2010-\u2014:-]*(?:(?:as of|for|on) )?/i

/** The lines of a post that say something, headings among them, each with the section it stands in. */
export function linesOf(text: string, base: YearMonth | undefined): Line[] {
  const lines: Line[] = []
  let section: Section = 'body'
  for (const raw of text.replace(brackets, '').split('\n')) {
    const depth = bullet.exec(raw)?.[0].length ?? 0
    const line = raw.slice(depth).trim()
    const heading = headingOf(line)
    if (heading !== undefined) section = heading.section
    if (introducesTimeline.test(line)) section = 'timeline'
    for (const part of heading?.parts ?? [line]) {
      if (part !== '') lines.push({ index: lines.length, depth, section, ...withoutStamp(part, base) })
    }
  }
  return lines
}

/** The section that a line opens, the heading itself, and what the line says behind it. */
function headingOf(line: string): { section: Section; parts: string[] } | undefined {
  const isBracketed = line.startsWith('[')
  const bare = isBracketed ? line.slice(1) : line
  if (!isBracketed && !anyHeading.test(bare)) return undefined
  for (const [section, pattern] of headings) {
    const beginning = pattern.exec(bare)?.[0]
    if (beginning === undefined) continue
    const colon = /[\]:]/.exec(bare.slice(0, 120))?.index
    if (colon !== undefined)
      return { section, parts: [`${bare.slice(0, colon)}:`, bare.slice(colon).replace(/^[\]:\s]+/, '')] }
    if (bare.length <= 80 && !bare.endsWith('.')) return { section, parts: [`${bare}:`] }
  }
  return isBracketed && line.length <= 80 && /\]\W*$/.test(line) ? { section: 'body', parts: [] } : undefined
}

/** "Updated May 8, 2026: …" is not a date of the change; the paragraph's dates are counted from it. */
function withoutStamp(line: string, base: YearMonth | undefined): { text: string; base: YearMonth | undefined } {
  const lead = stamp.exec(line)?.[0]
  if (lead === undefined) return { text: line, base }
  const [date] = findDates(line.slice(0, 80))
  const behind = /^\s*[:\u2010-\u2014-]\s*/.exec(line.slice(date?.to))?.[0]
  if (date === undefined || date.from !== lead.length || behind === undefined) return { text: line, base }
  const year = date.year ?? (base && nextYear(date.month, base))
  return { text: line.slice(date.to + behind.length), base: year === undefined ? base : { year, month: date.month } }
}
