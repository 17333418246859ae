import type { Digest } from '../src/plugins/message-center/digest.ts'
import type { Message } from '../src/plugins/message-center/message.ts'
import type { Session } from './session.ts'
import type { Outcome, Step } from './steps.ts'
import { table } from './table.ts'

interface Page {
  readonly value: readonly Message[]
  readonly '@odata.count': number
}

const searched = { search: 'federation', view: 'compact' }

/**
 * What an administrator asks, one after the other: what matters now, where is it written, when does it reach us.
 *
 * @returns the results as text
 * @throws {CallError}
 */
export async function askQuestions({ call }: Session, step: Step): Promise<string> {
  const ask = <T>(name: string, args: Record<string, unknown>, detailOf: (result: T) => string): Promise<T> =>
    step(async (): Promise<Outcome<T>> => {
      const value = await call<T>(name, args)
      return { value, detail: `${name}: ${detailOf(value)}` }
    })

  const digest = await ask<Digest>('getDigest', {}, ({ counts, due, retires }) => {
    const { all, new: posted, updated } = counts
    return `${posted} new and ${updated} updated of ${all} messages, ${due.length} deadlines, ${retires.length} retirements`
  })
  const found = await ask<Page>('getMessages', searched, (page) => {
    return `${page.value.length} of ${page['@odata.count']} messages`
  })
  const read = { id: found.value[0]?.id, body: 'none' }
  const message = await ask<Message>('getMessage', read, ({ id, milestones = [] }) => {
    return `${id}, ${milestones.length} milestones`
  })
  return [
    titled('getDigest', {}, digestTable(digest)),
    titled('getMessages', searched, messageTable(found.value)),
    titled('getMessage', read, milestoneTable(message)),
  ].join('\n')
}

function titled(name: string, args: object, text: string): string {
  return `\n${name} ${JSON.stringify(args)}\n${text}`
}

/** The first of each list of a digest. */
function digestTable({ due, retires, top }: Digest): string {
  const rows = [
    ...due.map((item) => ['due', item.date, item.id, item.title] as const).slice(0, 3),
    ...retires.map((item) => ['retires', item.date, item.id, item.title] as const).slice(0, 3),
    ...top.map((row) => ['changed', row.changed, row.id, row.title] as const).slice(0, 3),
  ]
  return table([['what', 9], ['date', 12], ['id', 11], ['title']], rows)
}

function messageTable(messages: readonly Message[]): string {
  return table(
    [['id', 11], ['changed', 12], ['due', 12], ['title']],
    messages.map(({ id, changed, due, title }) => [id, changed, due, title]),
  )
}

function milestoneTable({ title, url, milestones = [] }: Message): string {
  const rows = milestones.map(({ kind, ring, cloud, start, end }) => [kind, ring, cloud, start, end])
  return `${title}\n${url}\n${table([['kind', 18], ['ring', 18], ['cloud', 18], ['start', 19], ['end']], rows)}`
}
