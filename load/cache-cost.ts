/**
 * What a cached Graph token costs: `node --expose-gc --import tsx load/cache-cost.ts`.
 *
 * Fills the OBO cache as 100 and as 30,000 users would and takes hits in random order, each with the SHA-256 of the
 * assertion that `auth` makes of it. Prints CPU per hit (median of 7 rounds) and heap per user.
 */
import { hash, randomBytes } from 'node:crypto'
import type { Caller } from '../src/plugins/auth/claims.ts'
import { createOboTokenCache } from '../src/plugins/obo-token-cache/index.ts'

const hitsPerRound = 200_000
const rounds = 7
/** A token as a request brings it: just read from the socket, so in the processor's cache whoever sent it. */
const arriving = randomText(1_400)

interface User {
  readonly assertion: string
  readonly caller: Caller
}

const few = await measure(100)
const many = await measure(30_000)
process.stdout.write(`ratio of a hit at 30,000 users to one at 100: ${(many.hitUs / few.hitUs).toFixed(2)}\n`)

async function measure(count: number): Promise<{ hitUs: number }> {
  const cache = createOboTokenCache({
    exchange: async () => ({ accessToken: randomText(1_600), expiresAtMs: Date.now() + 3_900_000 }),
    tenantId: 'tenant',
    clientId: 'client',
    scopes: ['https://graph.microsoft.com/.default'],
    audit() {},
  })
  const users = Array.from({ length: count }, makeUser)
  const before = heapUsed()
  for (const user of users) await take(user)
  const bytesPerUser = (heapUsed() - before) / count

  const order = Array.from({ length: hitsPerRound }, () => users[Math.floor(Math.random() * count)] ?? makeUser())
  const costs: number[] = []
  for (let round = 0; round < rounds; round++) {
    const start = process.cpuUsage()
    for (const user of order) await take(user)
    const { user, system } = process.cpuUsage(start)
    costs.push((user + system) / hitsPerRound)
  }
  const hitUs = costs.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? Number.NaN
  process.stdout.write(
    `${count} users: ${hitUs.toFixed(2)} µs a hit, ${Math.round(bytesPerUser)} bytes of heap a user\n`,
  )
  return { hitUs }

  function take({ assertion, caller }: User): Promise<string> {
    hash('sha256', arriving, 'base64url')
    return cache.get({ caller, assertion, correlationId: 'measure' })
  }
}

function makeUser(): User {
  const assertion = randomText(1_400)
  const tokenHash = hash('sha256', assertion, 'base64url')
  const caller = {
    tenantId: 't',
    userKey: tokenHash,
    clientId: 'c',
    scopes: [],
    expiresAtMs: Date.now() + 3_900_000,
    tokenHash,
  }
  return { assertion, caller }
}

/** As long and as incompressible as a token. */
function randomText(length: number): string {
  return randomBytes(length).toString('base64url').slice(0, length)
}

function heapUsed(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
