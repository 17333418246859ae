import { openSession, type Session } from '../../demo/session.ts'
import { discover, signIn } from '../../demo/sign-in.ts'
import type { Step } from '../../demo/steps.ts'

const quietly: Step = async (work) => (await work()).value

/** Signs rowan in as a client does that knows the server's origin alone, and connects the official MCP client. */
export async function connectTo(origin: string): Promise<{ session: Session; accessToken: string }> {
  const url = `${origin}/mcp`
  const { accessToken } = await signIn(await discover(url, quietly), { user: 'rowan' }, quietly)
  return { session: await openSession(url, accessToken, quietly), accessToken }
}
