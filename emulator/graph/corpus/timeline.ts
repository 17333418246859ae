import { dateIn, dayIn, dayMs, periodIn, periodOf } from './calendar.ts'
import phrases from './phrases.json' with { type: 'json' }
import { createRandom, type Random } from './random.ts'
import type { Draft } from './story.ts'

/** A date that a post's text names, and what it says of it. */
export interface DatedEvent {
  readonly kind: 'rollout' | 'retirement' | 'deadline'
  /** Null where the text does not say, as is `cloud`. */
  readonly ring: 'targeted' | 'preview' | 'general' | null
  readonly cloud: 'worldwide' | 'gcc' | 'gccHigh' | 'dod' | null
  /** YYYY-MM-DD. A part of a month ("early March 2026") starts with its first day, and ends with its last. */
  readonly start: string | null
  readonly end: string | null
}

/** The dates of a post, and the sentences that tell them, in HTML. */
export interface Timeline {
  readonly events: readonly DatedEvent[]
  /** The section "When this will happen". */
  readonly when: readonly string[]
  /** By when to be ready, where the post says so; among the preparations. */
  readonly actBy: string | undefined
}

interface Sentence {
  readonly html: string
  readonly events: readonly DatedEvent[]
}

/** Random choices depend on the post's id only, and not on what else its body says. */
export function timelineOf(draft: Draft): Timeline {
  const { feature, post } = draft
  const random = createRandom(Number(post.id.slice(2)) + 1_000_000_000)
  if (post.stage === 'completion') return { events: [], when: [], actBy: undefined }
  const when = feature.kind === 'retirement' ? [retirement(draft, random)] : rollout(draft, random)
  const deadline = deadlineOf(draft, random)
  return {
    events: [...when, ...(deadline === undefined ? [] : [deadline])].flatMap(({ events }) => events),
    when: when.map(({ html }) => html),
    actBy: deadline?.html,
  }
}

/** An earlier date is left in the text, struck out. */
function struckOut({ post, effective }: Draft): string {
  return post.body.struckOut === true ? `<s>${periodIn(effective - 30 * dayMs)}</s> ` : ''
}

function retirement(draft: Draft, random: Random): Sentence {
  const { family, effective } = draft
  const product = family.product.replaceAll('&', '&amp;')
  const day = `${struckOut(draft)}<b>${dateIn(effective)}</b>`
  const end = effective + random.between(15, 40) * dayMs
  const onDay = { kind: 'retirement', ring: null, cloud: null, start: dayIn(effective), end: null } as const
  const sentences: readonly Sentence[] = [
    { html: `${product} will stop offering this on ${day}.`, events: [onDay] },
    { html: `This feature will be retired on ${day}.`, events: [onDay] },
    { html: `After ${day}, this feature will no longer be available.`, events: [onDay] },
    {
      html: `We will begin retiring this feature in ${struckOut(draft)}${periodIn(effective)} and expect to complete by ${periodIn(end)}.`,
      events: [{ ...onDay, start: periodOf(effective).first, end: periodOf(end).last }],
    },
  ]
  // A reminder names the day.
  return random.pick(draft.post.stage === 'reminder' ? sentences.slice(0, 3) : sentences)
}

const firstRings = [
  ['Targeted Release', 'targeted'],
  ['Public Preview', 'preview'],
  ['Current Channel (Preview)', 'preview'],
] as const
const government = [
  [],
  [['GCC']],
  [['GCC', 'GCC High', 'DoD']],
  [['GCC'], ['GCC High', 'DoD']],
  [['GCC'], ['GCC High'], ['DoD']],
] as const
const clouds = { Worldwide: 'worldwide', GCC: 'gcc', 'GCC High': 'gccHigh', DoD: 'dod' } as const

function rollout(draft: Draft, random: Random): Sentence[] {
  const { start, updated, effective } = draft
  const writtenAt = updated ?? start
  const first = Math.min(start + random.between(8, 20) * dayMs, effective - random.between(20, 40) * dayMs)
  const phase = (label: string, named: Pick<DatedEvent, 'ring' | 'cloud'>[], from: number, to: number, old = '') => ({
    html: `<b>${label}:</b> We ${from < writtenAt ? 'began' : 'will begin'} rolling out in ${old}${periodIn(from)} and expect to complete by ${periodIn(to)}.`,
    events: named.map((of) => ({
      kind: 'rollout' as const,
      ...of,
      start: periodOf(from).first,
      end: periodOf(to).last,
    })),
  })
  const general = (names: readonly (keyof typeof clouds)[], from: number, to: number, old?: string) =>
    phase(
      `General Availability (${names.join(', ')})`,
      names.map((name) => ({ ring: 'general' as const, cloud: clouds[name] })),
      from,
      to,
      old,
    )
  const [label, ring] = random.pick(firstRings)
  let from = effective
  let to = effective + random.between(15, 40) * dayMs
  const sentences = [
    phase(label, [{ ring, cloud: null }], first, effective - 5 * dayMs),
    general(['Worldwide'], from, to, struckOut(draft)),
  ]
  for (const names of random.pick(government)) {
    from = to + random.between(10, 25) * dayMs
    to = from + random.between(10, 25) * dayMs
    sentences.push(general(names, from, to))
  }
  return sentences
}

/** Most deadlines stand in the text only. */
function deadlineOf({ feature: { kind }, post, effective, today }: Draft, random: Random): Sentence | undefined {
  const isDemanding =
    (kind === 'change' || kind === 'retirement' || kind === 'privacy') && post.stage !== 'preview' && random.chance(0.6)
  if (post.actBy === undefined && !isDemanding) return undefined
  const day = post.actBy === undefined ? effective - random.between(1, 14) * dayMs : today + post.actBy * dayMs
  return {
    html: random.pick(phrases.deadlines).replace('{date}', `<b>${dateIn(day)}</b>`),
    events: [{ kind: 'deadline', ring: null, cloud: null, start: null, end: dayIn(day) }],
  }
}
