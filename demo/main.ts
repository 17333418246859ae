import type { Emulator } from '../emulator/app.ts'
import { connectText } from './connect.ts'
import { help, readOptions } from './options.ts'
import { Refused } from './refused.ts'
import { openSession, type Page } from './session.ts'
import { discover, type SignedIn, type SignInPlace, signIn } from './sign-in.ts'
import { startServer, startTenant } from './stack.ts'
import { createSteps, type Step } from './steps.ts'
import { messageTable } from './table.ts'

const dayMs = 24 * 60 * 60 * 1000

/** What was started, to be closed in the reverse order. */
const running: { close(): Promise<unknown> }[] = []

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  if (options.help) {
    process.stdout.write(help)
    return
  }
  // A terminal sends Ctrl-C to every process of its group, and some of them pass it on: it can come twice.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop)

  const step = createSteps(print)
  const tenant = await step(async () => {
    const value = await startTenant(options.emulatorPort)
    running.push(value)
    return { value, says: `an emulated tenant, Entra and Graph, listens on ${value.origin}` }
  })
  const user = findUser(tenant, options.user)
  const server = await step(async () => {
    const value = await startServer(tenant, options)
    running.push(value)
    return { value, says: `the server listens on ${value.url}` }
  })

  const place = await discover(server.url, step)
  const signedIn = await readAsUser(server.url, place, { user }, step)

  if (options.once) await closeAll()
  else print(`\n${connectText(server.url, user, signedIn)}`)
}

/** Signs in and reads; where the server wants more proof, signs in again with it, as it was told to. */
async function readAsUser(url: string, place: SignInPlace, who: { user: string }, step: Step): Promise<SignedIn> {
  const signedIn = await signIn(place, who, step)
  const refused = await read(url, signedIn, step)
  if (refused?.claims === undefined) {
    if (refused !== undefined) process.exitCode = 1
    return signedIn
  }
  const proven = await signIn(place, { ...who, claims: refused.claims }, step)
  if ((await read(url, proven, step)) !== undefined) process.exitCode = 1
  return proven
}

/** Two questions an administrator asks, and their answers; or the server's refusal of the first. */
async function read(url: string, { accessToken }: SignedIn, step: Step): Promise<Refused | undefined> {
  const session = await openSession(url, accessToken, step)
  const ask = (args: Record<string, unknown>): Promise<Page> =>
    step(async () => {
      const value = await session.getMessages(args)
      return { value, says: `getMessages: ${value.value.length} of ${value['@odata.count']} messages` }
    })

  try {
    const newestFirst = { top: 5 }
    const newest = await ask(newestFirst)
    const today = Date.now()
    const urgentFirst = {
      isMajorChange: true,
      actionRequiredAfter: dayOf(today),
      actionRequiredBefore: dayOf(today + 60 * dayMs),
      orderby: 'actionRequiredByDateTime',
      top: 6,
    }
    const urgent = await ask(urgentFirst)
    print(`\nMajor changes to act on within 60 days\n${JSON.stringify(urgentFirst)}`)
    print(messageTable(urgent.value, { heading: 'act by', field: 'actionRequiredByDateTime' }))
    print(`\nChanged last\n${JSON.stringify(newestFirst)}`)
    print(messageTable(newest.value, { heading: 'changed', field: 'lastModifiedDateTime' }))
    return undefined
  } catch (error) {
    if (error instanceof Refused) return error
    throw error
  } finally {
    await session.close()
  }
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

function findUser({ tenant, users }: Emulator, name: string): string {
  const user = tenant.directory.find(name)
  if (user !== undefined) return user.userPrincipalName
  const names = users.map(({ userPrincipalName }) => userPrincipalName.split('@')[0])
  throw new Error(`Nobody in the tenant is called "${name}"; there are ${names.join(', ')}.`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function closeAll(): Promise<void> {
  for (let last = running.pop(); last !== undefined; last = running.pop()) await last.close()
}

let isStopping = false

async function stop(): Promise<void> {
  if (isStopping) return
  isStopping = true
  await closeAll()
  process.exit(0)
}

main().catch(async (error: unknown) => {
  if (isStopping) return
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
  await closeAll()
})
