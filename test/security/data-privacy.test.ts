import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCorpus, datedEvents } from '../../emulator/graph/corpus/index.ts'
import { isDataPrivacy } from '../../emulator/graph/roles.ts'
import { listen, toolCall } from '../helper.ts'
import { startEmulator } from '../tenant.ts'
import { file, post } from './harness.ts'

/**
 * Two users of one tenant: Priya may read data privacy messages, Rowan is shown a stub in place of their texts, under the
 * same id and date. Whoever asks first, and whether Graph can still be asked, Rowan is shown nothing of those texts.
 */

const tenant = await startEmulator()
file.after(() => tenant.close())
const privacy = createCorpus().filter(isDataPrivacy)
const ids = privacy.map(({ id }) => id)

/** Sentences that stand in the text of a privacy message and of no other, title and all. */
const secrets = privacy.map(({ id, body }) => {
  const elsewhere = createCorpus()
    .map((other) => other.title + (other.id === id ? '' : plain(other.body.content)))
    .join(' ')
  const own = plain(body.content).split(/[.:|]/)
  const sentence = own
    .map((part) => part.trim())
    .find((part) => /^[\w, ]{30,}$/.test(part) && !elsewhere.includes(part))
  assert.ok(sentence, `${id} says something that no other message says`)
  return sentence
})
/** A date that only such a text names, of a privacy message whose deadline is ahead. */
const due = ids.flatMap((id) =>
  (datedEvents().get(id) ?? []).flatMap(({ kind, end }) =>
    kind === 'deadline' && end !== null ? [`${id} ${end}`] : [],
  ),
)

function plain(html: string): string {
  return html.replaceAll(/<[^>]+>/g, '|').replaceAll(/&nbsp;|\u00a0/g, ' ')
}

interface Ask {
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}
const tool = (name: string, args: Record<string, unknown>): Ask => toolCall(name, args)
const phrase = (text: string | undefined) => `"${text}"`
const isTold = (text: string) => secrets.some((secret) => text.includes(secret))

/** Each way to a text, and how one sees in the response that something of it is told. */
const ways: readonly (readonly [way: string, asks: readonly Ask[], isTelling: (response: string) => boolean])[] = [
  ['a message by its id', ids.map((id) => tool('getMessage', { id })), isTold],
  ['a message as Graph has it', ids.map((id) => tool('getMessage', { id, view: 'graph', body: 'html' })), isTold],
  ['the dates of a message', ids.map((id) => tool('getMessage', { id, body: 'none' })), (text) => /"kind":/.test(text)],
  ['a list by ids', [tool('getMessages', { ids, body: 'text' })], isTold],
  ['a list by tag', [tool('getMessages', { tags: ['Data privacy'], body: 'html' })], isTold],
  ['the summaries of a list', [tool('getMessages', { ids })], (text) => /"summary":/.test(text)],
  [
    'a search for its words',
    secrets.map((secret) => tool('getMessages', { search: phrase(secret), view: 'compact' })),
    (text) => ids.some((id) => text.includes(id)),
  ],
  [
    'a list by dates of texts',
    [tool('getMessages', { ids, milestoneKind: 'rollout', view: 'compact' })],
    (text) => ids.some((id) => text.includes(id)),
  ],
  [
    'what a digest has as due',
    [tool('getDigest', { ids, since: '2 years', horizon: '300d' })],
    (text) => due.some((one) => text.includes(`"date":"${one.split(' ')[1]}"`)),
  ],
  [
    'a resource',
    ids.map((id) => ({ method: 'resources/read', params: { uri: `message-center://messages/${id}` } })),
    isTold,
  ],
]

async function ask(origin: string, token: string, { method, params }: Ask): Promise<string> {
  const { body } = await post(origin, { jsonrpc: '2.0', id: 1, method, params }, token)
  const { result } = body
  assert.notEqual(result?.isError, true, result?.content?.[0]?.text)
  assert.equal(body.error, undefined)
  return JSON.stringify(result?.structuredContent ?? result)
}

/** Who has read before, and whether what they read is too old while Graph is down. */
const states: readonly (readonly [state: string, first: readonly string[], isDown: boolean])[] = [
  ['the privacy reader asked first', ['priya', 'rowan'], false],
  ['the other asked first', ['rowan', 'priya'], false],
  ['Graph is down', ['priya', 'rowan'], true],
]

for (const [state, first, isDown] of states) {
  const { origin, app } = await listen(file, { LOG_LEVEL: 'silent', GRAPH_CACHE_TTL: isDown ? '1ms' : '5m' }, tenant)
  const tokens = new Map(
    await Promise.all(['priya', 'rowan'].map(async (user) => [user, await tenant.mint({ user })] as const)),
  )
  const as = (user: string) => tokens.get(user) ?? ''

  test(`where ${state}, texts that both are shown are held once, and the others are not`, async () => {
    const sizes: number[] = []
    for (const user of first) {
      await ask(origin, as(user), tool('getMessages', { search: 'microsoft', top: 1 }))
      sizes.push(app.messageCenter.stats.bytes)
    }
    const [one = 0, both = 0] = sizes
    assert.ok(both > one && both < 2 * one, `${one} and ${both} bytes`)
  })

  for (const [way, asks, isTelling] of ways) {
    test(`where ${state}, ${way} tells a privacy reader what it tells nobody else`, async (t) => {
      if (isDown) {
        tenant.faults.add({ target: 'graph', kind: 'status', status: 503 })
        t.after(() => tenant.faults.clear())
      }
      for (const [i, one] of asks.entries()) {
        // Whatever is going on at the same time.
        const [others, whole] = await Promise.all([ask(origin, as('rowan'), one), ask(origin, as('priya'), one)])
        if (isDown && one.method === 'tools/call') {
          for (const answer of [others, whole]) assert.equal(JSON.parse(answer).stale, true)
        }
        assert.ok(!isTelling(others), `Rowan: ${others.slice(0, 300)}`)
        assert.ok(isTelling(whole) || (way === 'the summaries of a list' && i > 0), `Priya: ${whole.slice(0, 300)}`)
      }
    })
  }
}
