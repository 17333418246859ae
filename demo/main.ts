import type { Emulator } from '../emulator/app.ts'
import { CallError } from './call-error.ts'
import { connectText } from './connect.ts'
import { help, readOptions } from './options.ts'
import { askQuestions } from './questions.ts'
import { openSession } from './session.ts'
import { discover, type SignedIn, type SignInPlace, signIn } from './sign-in.ts'
import { startServer, startTenant } from './stack.ts'
import { createSteps, type Step } from './steps.ts'

/** Closed in reverse order. */
const running: { close(): Promise<unknown> }[] = []

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  if (options.help) {
    process.stdout.write(help)
    return
  }
  // SIGINT may arrive twice: the terminal sends it to the whole process group, and npm forwards it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop)

  const step = createSteps(print)
  const tenant = await step(async () => {
    const value = await startTenant(options.emulatorPort)
    running.push(value)
    return { value, detail: `emulated tenant (Entra and Graph) listening on ${value.origin}` }
  })
  const user = findUser(tenant, options.user)
  const server = await step(async () => {
    const value = await startServer(tenant, options)
    running.push(value)
    return { value, detail: `server listening on ${value.url}` }
  })

  const place = await discover(server.url, step)
  const signedIn = await readAsUser(server.url, place, { user }, step)

  if (options.once) await closeAll()
  else print(`\n${connectText(server.url, user, signedIn)}`)
}

/** Signs in and reads messages; on a claims challenge, signs in again with its claims. */
async function readAsUser(url: string, place: SignInPlace, who: { user: string }, step: Step): Promise<SignedIn> {
  const signedIn = await signIn(place, who, step)
  const error = await read(url, signedIn, step)
  if (error?.claims === undefined) {
    if (error !== undefined) process.exitCode = 1
    return signedIn
  }
  const signedInAgain = await signIn(place, { ...who, claims: error.claims }, step)
  if ((await read(url, signedInAgain, step)) !== undefined) process.exitCode = 1
  return signedInAgain
}

/** Prints the results of some calls. @returns the error, if a call fails */
async function read(url: string, { accessToken }: SignedIn, step: Step): Promise<CallError | undefined> {
  const session = await openSession(url, accessToken, step)
  try {
    print(await askQuestions(session, step))
    return undefined
  } catch (error) {
    if (error instanceof CallError) return error
    throw error
  } finally {
    await session.close()
  }
}

function findUser({ tenant, users }: Emulator, name: string): string {
  const user = tenant.directory.find(name)
  if (user !== undefined) return user.userPrincipalName
  const names = users.map(({ userPrincipalName }) => userPrincipalName.split('@')[0])
  throw new Error(`Unknown user: "${name}". Users: ${names.join(', ')}.`)
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
