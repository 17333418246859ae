import { actBy, calendar, day, isIn, type Known, nextMonth, type Truth, tally } from './truth.ts'

/** A call of a tool, as an agent makes it. */
export type Call = readonly [tool: 'getDigest' | 'getMessages' | 'getMessage', args: Readonly<Record<string, unknown>>]

/** What a tool returned, of the members that are looked at here. */
export interface Result {
  readonly id?: string
  readonly value?: readonly { readonly id: string; readonly due?: string }[]
  readonly '@odata.count'?: number
  readonly nextSkip?: number
  readonly missing?: readonly string[]
  readonly note?: string
  readonly more?: string
  readonly counts?: Readonly<Record<string, number>>
  readonly due?: readonly { readonly id: string; readonly date: string }[]
  readonly retires?: readonly { readonly id: string; readonly date: string }[]
  readonly byService?: readonly { readonly name: string; readonly count: number }[]
  readonly byCategory?: readonly { readonly name: string; readonly count: number }[]
  readonly byTag?: readonly { readonly name: string; readonly count: number }[]
  readonly milestones?: readonly { readonly kind: string; readonly start?: string; readonly end?: string }[]
  readonly body?: { readonly content: string }
  readonly roadmapIds?: readonly string[]
}

export interface Question {
  readonly asks: string
  readonly calls: (truth: Truth) => readonly Call[]
  /** The right answer, from the corpus; by default ids, in any order. */
  readonly right: (truth: Truth) => unknown
  /** The answer that was given. */
  readonly told?: (results: readonly Result[]) => unknown
  /** The most that all of its results may cost an agent: a quarter more than was measured, for other days. */
  readonly tokens: number
}

const overview = { view: 'compact', top: 100 }
const list =
  (args: Readonly<Record<string, unknown>>): Question['calls'] =>
  () => [['getMessages', { ...overview, ...args }]]
const digest =
  (args: Readonly<Record<string, unknown>> = {}): Question['calls'] =>
  () => [['getDigest', args]]
const posts =
  (isMeant: (post: Known, truth: Truth) => boolean): Question['right'] =>
  (truth) =>
    truth.posts.filter((post) => isMeant(post, truth)).map(({ id }) => id)
/** The beginning of a calendar: a digest lists ten at most. */
const agenda =
  (kind: 'deadline' | 'retirement', days: number): Question['right'] =>
  (truth) =>
    calendar(truth, kind, days).slice(0, 10)
const listed = (items: Result['due'] = []) => items.map(({ date, id }) => `${date} ${id}`)

const named =
  (...names: string[]) =>
  ({ services }: Known) =>
    services.some((of) => names.some((name) => of.includes(name)))
const titled =
  (name: string) =>
  ({ title }: Known) =>
    new RegExp(`\\b${name}\\b`).test(title)
const tagged =
  (...names: string[]) =>
  ({ tags }: Known) =>
    names.every((name) => tags.includes(name))
const changedWithin =
  (days: number) =>
  ({ lastModifiedDateTime }: Known, { nowMs }: Truth) =>
    Date.parse(lastModifiedDateTime) >= nowMs - days * 86_400_000
const postedWithin =
  (days: number) =>
  ({ startDateTime }: Known, { nowMs }: Truth) =>
    Date.parse(startDateTime) >= nowMs - days * 86_400_000
const happens =
  (is: (event: Known['events'][number]) => boolean, days: number) =>
  (post: Known, { nowMs }: Truth) =>
    post.events.some((event) => is(event) && isIn(event, day(nowMs, 0), day(nowMs, days)))
const isDue =
  (days: number) =>
  (post: Known, { nowMs }: Truth) => {
    const act = actBy(post) ?? ''
    const inText = happens(({ kind }) => kind === 'deadline', days)(post, { nowMs, posts: [] })
    return inText || (act >= day(nowMs, 0) && act < day(nowMs, days))
  }
const says =
  (...texts: string[]) =>
  ({ words }: Known) =>
    texts.every((text) => words.includes(text))
/** A post with all that a post can have: dates, a roadmap id, and a text that tells who must act. */
const inDepth = ({ posts }: Truth): Known | undefined =>
  posts.find((post) => post.events.length > 3 && post.roadmapIds.length > 0 && tagged('Admin impact')(post))
const several = ({ posts }: Truth) => posts.slice(20, 24).map(({ id }) => id)
const sharedRoadmapId = ({ posts }: Truth) => posts.find(({ roadmapIds }) => roadmapIds.length > 1)?.roadmapIds[1] ?? ''
const lastLook = ({ nowMs }: Truth) => new Date(nowMs - 3 * 86_400_000).toISOString()

/** Of the kind that administrators publish as prompts for agents of their Message Center. */
export const questions: readonly Question[] = [
  {
    asks: 'What is due in the next 30 days?',
    calls: digest({ horizon: '30d' }),
    right: agenda('deadline', 30),
    told: ([first]) => listed(first?.due),
    tokens: 2_200,
  },
  {
    asks: 'Which deadlines do we have in the next 90 days, in texts as well?',
    calls: list({ milestoneKind: 'deadline', milestoneAfter: 'today', milestoneBefore: '90d' }),
    right: posts(isDue(90)),
    tokens: 950,
  },
  {
    asks: 'Which messages have an act-by date of Graph ahead, soonest first?',
    calls: list({ actionRequiredAfter: 'today', orderby: 'actionRequiredByDateTime asc' }),
    right: posts((post, { nowMs }) => (actBy(post) ?? '') >= day(nowMs, 0)),
    tokens: 650,
  },
  {
    asks: 'What should have been done already?',
    calls: list({ actionRequiredBefore: 'today' }),
    right: posts((post, { nowMs }) => (actBy(post) ?? '9') < day(nowMs, 0)),
    tokens: 650,
  },
  {
    asks: 'What changed this week?',
    calls: list({ modifiedSince: '7d' }),
    right: posts(changedWithin(7)),
    tokens: 1_300,
  },
  {
    asks: 'Give me the numbers of the week.',
    calls: digest(),
    right: (truth) => {
      const changed = truth.posts.filter((post) => changedWithin(7)(post, truth))
      const fresh = changed.filter((post) => postedWithin(7)(post, truth)).length
      return {
        all: truth.posts.length,
        new: fresh,
        updated: changed.length - fresh,
        major: changed.filter(({ isMajorChange }) => isMajorChange).length,
        unread: truth.posts.filter(({ viewPoint }) => viewPoint?.isRead !== true).length,
      }
    },
    told: ([first]) => first?.counts,
    tokens: 2_200,
  },
  {
    asks: 'What was posted in the last two weeks, updates of old messages aside?',
    calls: list({ startedSince: '2 weeks' }),
    right: posts(postedWithin(14)),
    tokens: 800,
  },
  {
    asks: 'Which messages were updated in the last month?',
    calls: list({ tags: ['Updated message'], modifiedSince: '30d' }),
    right: posts((post, truth) => tagged('Updated message')(post) && changedWithin(30)(post, truth)),
    tokens: 2_000,
  },
  {
    asks: 'What has happened since my last look?',
    calls: (truth) => [['getMessages', { ...overview, modifiedSince: lastLook(truth) }]],
    right: posts((post, truth) => post.lastModifiedDateTime >= lastLook(truth)),
    tokens: 950,
  },
  {
    asks: 'What is there about Teams?',
    calls: list({ services: ['Teams'] }),
    right: posts((post) => named('Teams')(post) || titled('Teams')(post)),
    tokens: 3_550,
  },
  {
    asks: 'What changes in Outlook?',
    calls: list({ services: ['Outlook'] }),
    right: posts(titled('Outlook')),
    tokens: 950,
  },
  {
    asks: 'What changes in Windows, by when it was announced?',
    calls: list({ services: ['Windows'], orderby: 'startDateTime desc' }),
    right: posts(titled('Windows')),
    tokens: 1_200,
  },
  {
    asks: 'What is new in Viva?',
    calls: list({ services: ['Viva'], tags: ['New feature'] }),
    right: posts((post) => (named('Viva')(post) || titled('Viva')(post)) && tagged('New feature')(post)),
    tokens: 650,
  },
  {
    asks: 'What comes to SharePoint or OneDrive in three months?',
    calls: list({ services: ['SharePoint', 'OneDrive'], milestoneAfter: 'today', milestoneBefore: '90d' }),
    right: posts(
      (post, truth) =>
        [named('SharePoint', 'OneDrive'), titled('SharePoint'), titled('OneDrive')].some((is) => is(post)) &&
        (happens(() => true, 90)(post, truth) || isDue(90)(post, truth)),
    ),
    tokens: 1_000,
  },
  {
    asks: 'Which messages are about Copilot and the Office apps at once?',
    calls: list({ allServices: ['Copilot', '365 apps'] }),
    right: posts(
      (post) =>
        (named('Copilot')(post) || titled('Copilot')(post)) &&
        (named('365 apps')(post) || /\b365 apps\b/i.test(post.title)),
    ),
    tokens: 700,
  },
  {
    asks: 'Which messages are tagged as retirements?',
    calls: list({ tags: ['retirement'] }),
    right: posts(tagged('Retirement')),
    tokens: 3_300,
  },
  {
    asks: 'Which new features need both users and administrators to know?',
    calls: list({ allTags: ['New feature', 'User impact', 'Admin impact'], modifiedSince: '3 months' }),
    right: posts(
      ({ lastModifiedDateTime, ...post }, { nowMs }) =>
        tagged('New feature', 'User impact', 'Admin impact')(post as Known) &&
        Date.parse(lastModifiedDateTime) >= monthsBefore(nowMs, 3),
    ),
    tokens: 1_000,
  },
  {
    asks: 'What matters to administrators this month?',
    calls: list({ tags: ['Admin impact'], modifiedSince: '30d' }),
    right: posts((post, truth) => tagged('Admin impact')(post) && changedWithin(30)(post, truth)),
    tokens: 2_250,
  },
  {
    asks: 'What will users notice that the help desk should know, of the last two weeks?',
    calls: list({ tags: ['User impact'], modifiedSince: '14d' }),
    right: posts((post, truth) => tagged('User impact')(post) && changedWithin(14)(post, truth)),
    tokens: 1_250,
  },
  {
    asks: 'Which major changes are there for identity?',
    calls: list({ services: ['Entra'], isMajorChange: true }),
    right: posts((post) => (named('Entra')(post) || titled('Entra')(post)) && post.isMajorChange),
    tokens: 1_200,
  },
  {
    asks: 'Is anything critical?',
    calls: list({ severity: 'critical' }),
    right: posts(({ severity }) => severity === 'critical'),
    tokens: 100,
  },
  {
    asks: 'What must I plan for in Exchange?',
    calls: list({ services: ['Exchange'], category: 'planForChange' }),
    right: posts((post) => (named('Exchange')(post) || titled('Exchange')(post)) && post.category === 'planForChange'),
    tokens: 1_350,
  },
  {
    asks: 'Is there an issue that we have to fix?',
    calls: list({ category: 'preventOrFixIssue' }),
    right: posts(({ category }) => category === 'preventOrFixIssue'),
    tokens: 300,
  },
  {
    asks: 'What retires when, in the next four weeks?',
    calls: digest({ horizon: '28d' }),
    right: agenda('retirement', 28),
    told: ([first]) => listed(first?.retires),
    tokens: 2_200,
  },
  {
    asks: 'Everything that stops within 90 days?',
    calls: list({ milestoneKind: 'retirement', milestoneAfter: 'today', milestoneBefore: '90d' }),
    right: posts(happens(({ kind }) => kind === 'retirement', 90)),
    tokens: 1_100,
  },
  {
    asks: 'What rolls out to GCC in the next 60 days?',
    calls: list({ milestoneKind: 'rollout', milestoneCloud: 'gcc', milestoneAfter: 'today', milestoneBefore: '60d' }),
    right: posts(happens(({ kind, cloud }) => kind === 'rollout' && cloud === 'gcc', 60)),
    tokens: 4_650,
  },
  {
    asks: 'What do people in Targeted Release get first?',
    calls: list({ milestoneRing: 'targeted', milestoneAfter: 'today' }),
    right: posts(happens(({ ring }) => ring === 'targeted', 10_000)),
    tokens: 1_450,
  },
  {
    asks: 'What happens next month, in all of Microsoft 365?',
    calls: ({ nowMs }) => {
      const [first, after] = nextMonth(nowMs)
      return [['getMessages', { ...overview, milestoneAfter: first, milestoneBefore: after }]]
    },
    right: posts((post, { nowMs }) => {
      const [first, after] = nextMonth(nowMs)
      const act = actBy(post) ?? ''
      return post.events.some((event) => isIn(event, first, after)) || (act >= first && act < after)
    }),
    tokens: 10_250,
  },
  {
    asks: 'Which major changes have I not read?',
    calls: list({ unreadOnly: true, isMajorChange: true }),
    right: posts(({ viewPoint, isMajorChange }) => viewPoint?.isRead !== true && isMajorChange),
    tokens: 2_650,
  },
  {
    asks: 'What did I mark as a favourite?',
    calls: list({ favoritesOnly: true }),
    right: posts(({ viewPoint }) => viewPoint?.isFavorited === true),
    tokens: 1_750,
  },
  {
    asks: 'What did I archive?',
    calls: list({ archived: true }),
    right: posts(({ viewPoint }) => viewPoint?.isArchived === true),
    tokens: 1_100,
  },
  {
    asks: 'Explain one message: when, what, on which roadmap items?',
    calls: (truth) => [['getMessage', { id: inDepth(truth)?.id }]],
    right: (truth) => {
      const post = inDepth(truth)
      const dates = post?.events.map(({ kind, start, end }) => `${kind} ${start} ${end}`)
      return { id: post?.id, roadmapIds: post?.roadmapIds, dates: dates?.sort(), hasText: true }
    },
    told: ([first]) => ({
      id: first?.id,
      roadmapIds: first?.roadmapIds,
      dates: first?.milestones?.map(({ kind, start = null, end = null }) => `${kind} ${start} ${end}`).sort(),
      hasText: first?.body?.content.includes('When this will happen') === true,
    }),
    tokens: 2_000,
  },
  {
    asks: 'Compare these four messages; one of the numbers may be wrong.',
    calls: (truth) => [['getMessages', { ids: [...several(truth), 'MC100'], body: 'text' }]],
    right: (truth) => ({ ids: several(truth).sort(), missing: ['MC100'] }),
    told: ([first]) => ({ ids: first?.value?.map(({ id }) => id).sort(), missing: first?.missing }),
    tokens: 5_650,
  },
  {
    asks: 'Which message announces this roadmap item?',
    calls: (truth) => [['getMessages', { ...overview, roadmapId: sharedRoadmapId(truth) }]],
    right: posts(({ roadmapIds }, truth) => roadmapIds.includes(sharedRoadmapId(truth))),
    tokens: 150,
  },
  {
    asks: 'Where is Conditional Access mentioned?',
    calls: list({ search: '"conditional access"' }),
    right: posts(says('conditional access')),
    tokens: 650,
  },
  {
    asks: 'Which messages tell what to do with printers and the SMTP AUTH report, somewhere in the text?',
    calls: list({ search: 'printers SMTP AUTH' }),
    right: posts(says('printers', 'smtp', 'auth')),
    tokens: 200,
  },
  {
    asks: 'How many messages are there by service, category and tag?',
    calls: digest({ since: '2 years' }),
    right: ({ posts }) => ({
      services: tally(posts.flatMap(({ services }) => services)).slice(0, 10),
      categories: tally(posts.map(({ category }) => category)),
      tags: tally(posts.flatMap(({ tags }) => tags)),
    }),
    told: ([first]) => ({ services: first?.byService, categories: first?.byCategory, tags: first?.byTag }),
    tokens: 2_250,
  },
  {
    asks: 'A digest for the Teams administrators, please.',
    calls: digest({ services: ['Teams'], since: '30d', horizon: '90d' }),
    right: (truth) => {
      const about = truth.posts.filter((post) => named('Teams')(post) || titled('Teams')(post))
      const teams = { ...truth, posts: about }
      const changed = about.filter((post) => changedWithin(30)(post, truth))
      return {
        changed: changed.length,
        due: agenda('deadline', 90)(teams),
        retires: agenda('retirement', 90)(teams),
      }
    },
    told: ([first]) => ({
      changed: Number(first?.counts?.['new']) + Number(first?.counts?.['updated']),
      due: listed(first?.due),
      retires: listed(first?.retires),
    }),
    tokens: 1_250,
  },
  {
    asks: 'List everything with user impact, page by page.',
    calls: () =>
      [0, 75, 150, 225].map((skip) => ['getMessages', { view: 'compact', top: 75, skip, tags: ['User impact'] }]),
    right: (truth) => {
      const ids = truth.posts.filter(tagged('User impact')).map(({ id }) => id)
      const next = [75, 150, 225].filter((skip) => skip < ids.length)
      return { ids, counts: [ids.length, ids.length, ids.length, ids.length], next }
    },
    told: (results) => ({
      ids: results.flatMap(({ value = [] }) => value.map(({ id }) => id)),
      counts: results.map((result) => result['@odata.count']),
      next: results.flatMap(({ nextSkip }) => nextSkip ?? []),
    }),
    tokens: 17_450,
  },
  {
    asks: 'Which deadlines of Graph are there for Clipchamp?',
    calls: list({ services: ['Clipchamp'], actionRequiredAfter: 'today' }),
    right: () => ({ ids: [], hint: true }),
    told: ([first]) => ({
      ids: first?.value?.map(({ id }) => id),
      hint: /actionRequiredAfter \d+, services 1\..*4 %.*milestoneBefore/.test(first?.note ?? ''),
    }),
    tokens: 150,
  },
]

function monthsBefore(nowMs: number, months: number): number {
  const date = new Date(nowMs)
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - months + 1, 0)).getUTCDate()
  const day = Math.min(date.getUTCDate(), last)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - months, day) + (nowMs % 86_400_000)
}
