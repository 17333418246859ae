import { request } from 'undici'
import { type CallSpec, createCall, getMessages, roundRobin } from '../calls.ts'
import { sum } from '../numbers.ts'
import { noFailures } from '../rules.ts'
import { defineScenario } from '../scenario.ts'
import { briefSnapshots, type Target } from '../servers.ts'
import type { LoadUser } from '../users.ts'

const delayedUsers = 10
const delayMs = 3

/**
 * Very many questions of many users at full speed, each response checked to be its caller's; every other user reads data
 * privacy posts, which Graph shows the others as stubs. Half of the questions go to a server whose snapshots are read
 * again all the time. Some users' Graph is slow, so that responses overtake each other.
 */
export const isolation = defineScenario({
  name: 'isolation',
  description: 'closed model: very many calls of two kinds of users, and not one response to another user',
  needs: 'target',
  defaults: { users: 100, connections: 32, calls: 100_000 },
  async run(harness, { users: count, connections, calls }) {
    const users = await harness.users(count)
    const tenant = await harness.tenant().catch(() => undefined)
    const privacyReaders = tenant === undefined ? [] : users.filter((_, index) => index % 2 === 1)
    await tenant?.makePrivacyReaders(privacyReaders)
    const first = await harness.server()
    const questions = await questionsOf(first, users, privacyReaders)
    await tenant?.addFaults(
      ...Array.from({ length: Math.min(delayedUsers, users.length) }, (_, index) => {
        const user = users[Math.floor((index * users.length) / delayedUsers)]?.reader ?? ''
        return { target: 'graph', kind: 'delay', delayMs, user } as const
      }),
    )
    try {
      // One user after the other, who all ask for the same: whatever could be mixed up, is.
      const next = roundRobin(users, (number, user) => questions(Math.floor(number / users.length), user))
      const half = harness.isOwn ? Math.ceil(calls / 2) : calls
      const measurements = [
        await harness.closed({ connections, next, name: 'from snapshots', target: first, calls: half }),
      ]
      if (harness.isOwn && calls > half) {
        const target = await harness.server(briefSnapshots)
        const name = 'from snapshots of a second'
        measurements.push(await harness.closed({ connections, next, name, target, calls: calls - half }))
      }
      const correct = sum(measurements.map((one) => one.correct))
      const complete = {
        description: 'as many calls as were asked for have their own response',
        passed: correct === calls,
        observed: String(correct),
      }
      return { measurements, rules: [complete, noFailures(...measurements)] }
    } finally {
      await tenant?.clearFaults()
    }
  },
})

type Questions = (number: number, user: LoadUser) => CallSpec

/** The same questions to everybody: by filter, by search, by id, and a digest. */
async function questionsOf(
  target: Target,
  users: readonly LoadUser[],
  privacyReaders: readonly LoadUser[],
): Promise<Questions> {
  const [privacyReader] = privacyReaders
  const other = users.find((user) => !privacyReaders.includes(user))
  if (privacyReader === undefined || other === undefined) return () => getMessages({ top: 2 })

  const ask = async (user: LoadUser, spec: CallSpec) => {
    const { headers, body } = createCall(user, spec)
    const response = await request(target.url, { method: 'POST', headers: { ...headers }, body })
    return ((await response.body.json()) as { result: { structuredContent: Page } }).result.structuredContent
  }
  const listing = await ask(privacyReader, getMessages({ tags: ['GDPR'], body: 'text', top: 100 }))
  for (const { id, body } of listing.value) {
    const [phrase] = /[A-Za-z]+(?: [a-z]+){7}/.exec(body?.content ?? '') ?? []
    if (phrase === undefined) continue
    const search = `"${phrase}"`
    const found = await ask(privacyReader, getMessages({ search, top: 1 }))
    const foundByOthers = await ask(other, getMessages({ search, top: 1 }))
    // A text that stands in other posts as well tells nobody apart.
    if (found['@odata.count'] !== 1 || foundByOthers['@odata.count'] !== 0) continue
    return privateQuestions(id, phrase, new Set(privacyReaders))
  }
  throw new Error('The tenant has no data privacy post with a text of its own')
}

interface Page {
  readonly value: readonly { readonly id: string; readonly body?: { readonly content: string } }[]
  readonly '@odata.count': number
}

/** @param phrase stands in the post of that id and in no other, and is shown to privacy readers only */
function privateQuestions(id: string, phrase: string, privacyReaders: ReadonlySet<LoadUser>): Questions {
  const search = `"${phrase}"`
  return (number, user) => {
    const isPrivate = privacyReaders.has(user)
    const lacks = isPrivate ? {} : { lacks: phrase }
    const call = { method: 'tools/call', ...lacks } as const
    switch (number % 5) {
      case 0:
        return { ...getMessages({ top: 2 }), ...lacks }
      case 1:
        return { ...getMessages({ services: ['Teams'], top: 2, view: 'graph' }), ...lacks }
      case 2: {
        const args = { search, top: 2, body: 'text' }
        const expects = `"@odata.count":${isPrivate ? 1 : 0}`
        return { ...call, tool: 'getMessages', args, expects, hasPosts: isPrivate }
      }
      case 3: {
        const expects = isPrivate ? phrase : 'This Data Privacy message is about your organization'
        return { ...call, tool: 'getMessage', args: { id }, expects }
      }
      default: {
        const expects = `"all":${isPrivate ? 1 : 0}`
        return { ...call, tool: 'getDigest', args: { search }, expects, hasPosts: false }
      }
    }
  }
}
