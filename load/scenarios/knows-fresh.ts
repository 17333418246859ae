import { request } from 'undici'
import { callOf } from '../calls.ts'
import type { Target } from '../servers.ts'
import type { LoadUser } from '../users.ts'

/** Whether a server's `getMessages` takes `fresh`, by which a call goes to Graph whatever answer is kept. */
export async function knowsFresh({ url }: Target, [user]: readonly LoadUser[]): Promise<boolean> {
  if (user === undefined) return false
  const { headers, body: asked } = callOf(user, { method: 'tools/list' })
  const { body } = await request(url, { method: 'POST', headers: { ...headers }, body: asked })
  return (await body.text()).includes('"fresh"')
}
