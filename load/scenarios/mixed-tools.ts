import { request } from 'undici'
import { callOf, inTurn, type Question } from '../calls.ts'
import type { Target } from '../servers.ts'
import type { LoadUser } from '../users.ts'
import { defineScenario, nothingFails } from './scenario.ts'

/** What agents ask, from a glance to a long read. Each finds something, so that each answer can be told from others. */
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

/** A day's work: both tools, tools/list, and clients of both protocol revisions side by side. */
export const mixedTools = defineScenario({
  name: 'mixed-tools',
  about: 'closed model: both tools with varied arguments, tools/list, both protocol revisions',
  needs: 'anything',
  defaults: { users: 100, connections: 8, seconds: 10 },
  async run(stage, { users: count, connections, seconds }) {
    const users = await stage.users(count)
    const target = await stage.server()
    const ids = await somePosts(target, users)
    const next = inTurn(users, (number) => question(number, ids))
    const load = { target, next, connections }
    await stage.closed({ ...load, name: 'warming up', calls: Math.max(users.length, 100) })
    const measurements = [await stage.closed({ ...load, name: 'this server, mixed', seconds })]
    return { measurements, rules: [nothingFails({ measurements })] }
  },
})

/** Of ten calls two read one post, one lists the tools and the others list posts; every other is of the new revision. */
function question(number: number, ids: readonly string[]): Question {
  // Turns that share no factor with the number of users: everybody asks everything.
  const turn = Math.floor(number / 7) + number
  const era = turn % 2 === 0 ? '2025' : '2026'
  const kind = turn % 10
  if (kind === 3) return { method: 'tools/list', era }
  if (kind === 5 || kind === 8) {
    const id = ids[turn % ids.length]
    return { method: 'tools/call', tool: 'getMessage', args: { id }, era, expects: `"id":"${id}"` }
  }
  return { method: 'tools/call', tool: 'getMessages', args: listings[turn % listings.length] ?? {}, era }
}

/** Ids of posts that the target has. */
async function somePosts({ url }: Target, [user]: readonly LoadUser[]): Promise<string[]> {
  if (user === undefined) throw new Error('There are no users')
  const { headers, body: asked } = callOf(user, { method: 'tools/call', tool: 'getMessages', args: { top: 50 } })
  const { body } = await request(url, { method: 'POST', headers: { ...headers }, body: asked })
  const ids = [...(await body.text()).matchAll(/"id":"(MC\d+)"/g)].map(([, id = '']) => id)
  if (ids.length === 0) throw new Error('The target has no posts to read')
  return ids
}
