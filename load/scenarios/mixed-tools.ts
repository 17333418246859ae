import { request } from 'undici'
import { type CallSpec, createCall, getMessages, roundRobin } from '../calls.ts'
import { noFailures } from '../rules.ts'
import { defineScenario } from '../scenario.ts'
import type { Target } from '../servers.ts'
import type { LoadUser } from '../users.ts'

/** What agents ask for, from a glance to a long read. Each finds something, so that responses can be told apart. */
const listings: readonly Readonly<Record<string, unknown>>[] = [
  {},
  { top: 5 },
  { top: 3, body: 'text' },
  { services: ['Teams'], top: 10 },
  { services: ['Exchange', 'SharePoint'], top: 5 },
  { category: 'planForChange', top: 10 },
  { isMajorChange: true, top: 10, count: false },
  { search: 'admin', top: 5 },
  { orderby: 'startDateTime desc', top: 10, skip: 20 },
  { pageSize: 15 },
]

/** A day's work: two tools, tools/list, and clients of both protocol revisions side by side. */
export const mixedTools = defineScenario({
  name: 'mixed-tools',
  description: 'closed model: two tools with varied arguments, tools/list, both protocol revisions',
  needs: 'target',
  defaults: { users: 100, connections: 8, seconds: 10 },
  async run(harness, { users: count, connections, seconds }) {
    const users = await harness.users(count)
    const target = await harness.server()
    const ids = await findPosts(target, users)
    const load = { target, connections, next: roundRobin(users, (number) => mixedCall(number, ids)) }
    await harness.closed({ ...load, name: 'warm-up', calls: Math.max(users.length, 100) })
    const measurement = await harness.closed({ ...load, name: 'this server, mixed', seconds })
    return { measurements: [measurement], rules: [noFailures(measurement)] }
  },
})

/** Of ten calls two read one post, one lists the tools and the others list posts; every other is of the new revision. */
function mixedCall(number: number, ids: readonly string[]): CallSpec {
  // Steps that share no factor with the number of users: everybody asks everything.
  const step = Math.floor(number / 7) + number
  const era = step % 2 === 0 ? '2025' : '2026'
  const kind = step % 10
  if (kind === 3) return { method: 'tools/list', era }
  if (kind === 5 || kind === 8) {
    const id = ids[step % ids.length]
    return { method: 'tools/call', tool: 'getMessage', args: { id }, era, expects: `"id":"${id}"` }
  }
  return { ...getMessages(listings[step % listings.length]), era }
}

/** Ids of posts that the target has. */
async function findPosts({ url }: Target, [user]: readonly LoadUser[]): Promise<string[]> {
  if (user === undefined) throw new Error('There are no users')
  const { headers, body } = createCall(user, getMessages({ top: 50 }))
  const response = await request(url, { method: 'POST', headers: { ...headers }, body })
  const ids = [...(await response.body.text()).matchAll(/"id":"(MC\d+)"/g)].map(([, id = '']) => id)
  if (ids.length === 0) throw new Error('The target has no posts to read')
  return ids
}
