import { closestYear, findDates, isoDay, nextYear, type Precision, type WrittenDate, type YearMonth } from './dates.ts'
import { before, behindDateOfSomethingElse, ofSomethingElse, sinceThen } from './words.ts'

/** What happens at a date, or between two: what stands before the first date, and what is said of both. */
export interface Event {
  lead: string
  clause: string
  dates: [Days] | [begin: Days, end: Days]
}

/** A date as calendar days. */
export interface Days {
  /** YYYY-MM-DD */
  first: string
  last: string
  precision: Precision
  written: string
  /** The date that it replaced. */
  previous: Days | undefined
}

interface Dated extends WrittenDate {
  lead: string
  previous: Dated | undefined
}

/** Where one statement of a sentence ends and the next begins. */
const joint = /;|, (?:and|but|while|with|then|after which)\b|\band\b|,/g

/** The events of a sentence: its dates, two by two where they are the begin and the end of the same thing. */
export function eventsOf(sentence: string, base: YearMonth | undefined): Event[] {
  const dates = datesOf(sentence)
  // Which of the dates in a row of a table holds, and for what, is in the head of the table.
  if (dates.length > 1 && sentence.includes(' | ')) return []
  const pairs = inPairs(dates)
  const cuts = pairs.slice(1).map(([{ lead, from }]) => from - lead.length + jointOf(lead))
  return pairs.flatMap((pair, i) => {
    const days = pair.map((date) => daysOf(date, dates, base))
    const [first, second] = days
    if (first === undefined || days.includes(undefined) || pair.some(({ lead }) => before.vague.test(lead))) return []
    const clause = sentence.slice(cuts[i - 1] ?? 0, cuts[i] ?? sentence.length)
    return [{ lead: pair[0].lead, clause, dates: second ? [first, second] : [first] }]
  })
}

/** Where, in what stands between two events, the second begins. */
function jointOf(between: string): number {
  const joints = [...between.matchAll(joint)]
  return (joints.findLast(([found]) => found !== ',') ?? joints[0])?.index ?? between.length
}

/** The dates that hold, each with what stands before it and the date that it replaced. */
function datesOf(sentence: string): Dated[] {
  const holding: Dated[] = []
  let from = 0
  let previous: Dated | undefined
  for (const date of findDates(sentence)) {
    const lead = sentence.slice(from, date.from)
    const behind = sentence.slice(date.to, date.to + 60)
    const last = holding.at(-1)
    const dated = { ...date, lead, previous }
    from = date.to
    if (before.movedFrom.test(lead) || (before.superseded.test(lead) && last === undefined)) previous = dated
    else if (last !== undefined && before.superseded.test(lead)) last.previous = dated
    else if (!isOfSomethingElse(lead, behind)) {
      holding.push(dated)
      previous = undefined
    }
  }
  return holding
}

function isOfSomethingElse(lead: string, behind: string): boolean {
  return (
    (sinceThen.before.test(lead) && sinceThen.behind.test(behind)) ||
    Object.values(ofSomethingElse).some((pattern) => pattern.test(lead)) ||
    Object.values(behindDateOfSomethingElse).some((pattern) => pattern.test(behind))
  )
}

type Pair = [Dated] | [Dated, Dated]

function inPairs(dates: Dated[]): Pair[] {
  const pairs: Pair[] = []
  for (const date of dates) {
    const last = pairs.at(-1)
    if (last?.length === 1 && isEndOf(last[0], date)) pairs[pairs.length - 1] = [last[0], date]
    else pairs.push([date])
  }
  return pairs
}

function isEndOf(begin: Dated, end: Dated): boolean {
  if (before.range.test(end.lead)) return true
  if (before.between.test(begin.lead)) return before.rangeAnd.test(end.lead)
  return (before.completes.test(end.lead) || before.ends.test(end.lead)) && !before.completes.test(begin.lead)
}

/** A year that is not written is that of the closest date of the sentence, else the one that the base implies. */
function daysOf(date: Dated, dates: Dated[], base: YearMonth | undefined): Days | undefined {
  const others = dates.filter((other) => other.year !== undefined)
  const closest = others.find((other) => other.from > date.from) ?? others.at(-1)
  const year =
    date.year ??
    (closest?.year !== undefined
      ? closestYear(date.month, { year: closest.year, month: closest.month })
      : base && nextYear(date.month, base))
  if (year === undefined) return undefined
  const { month, firstDay, lastDay, precision, written } = date
  const previous = date.previous && daysOf(date.previous, [{ ...date, year }], base)
  return { first: isoDay(year, month, firstDay), last: isoDay(year, month, lastDay), precision, written, previous }
}
