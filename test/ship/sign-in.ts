import { openSession, type Session } from '../../demo/session.ts'
import { discover, signIn } from '../../demo/sign-in.ts'
import type { Step } from '../../demo/steps.ts'

const runSilently: Step = async (work) => (await work()).value

/** Signs rowan in, given only the server's origin, and connects the official MCP client. */
export async function connectTo(origin: string): Promise<{ session: Session; accessToken: string }> {
  const url = `${origin}/mcp`
  const { accessToken } = await signIn(await discover(url, runSilently), { user: 'rowan' }, runSilently)
  return { session: await openSession(url, accessToken, runSilently), accessToken }
}
