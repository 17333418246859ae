import { OperatorError } from '../scripts/shared/operator-error.ts'
import type { NextCall } from './calls.ts'
import { runClosedModel } from './closed-model.ts'
import { type EntraHosts, startEntraHosts } from './entra-hosts.ts'
import { createHttpClient, type HttpClient } from './http-client.ts'
import { createLedger, type Ledger, type Measurement, ofRounds } from './ledger.ts'
import { runOpenModel } from './open-model.ts'
import { cpuUsOf } from './processes.ts'
import type { Progress } from './progress.ts'
import { serverEnv, startPeer, startServer, type Target } from './servers.ts'
import { rounded } from './statistics.ts'
import { type OwnTenant, openTenant, startTenant, type Tenant } from './tenant.ts'
import { type LoadUser, userOf } from './users.ts'

/** How long a caller waits. Longer than the server gives Graph, so that its own answer is what comes. */
const callTimeoutMs = 30_000

/** Where a run takes place, as the command line says. */
export interface Place {
  /** The endpoint of a server that runs already. */
  readonly target?: string
  /** The origin of an emulated tenant that runs already. */
  readonly tenant?: string
  /** The bundled server that is started, where there is no target. */
  readonly bundle?: string
  /** Tokens of the users who call. */
  readonly tokens?: readonly string[]
}

/** A load of one target. */
export interface Load {
  readonly name: string
  readonly target: Target
  readonly next: NextCall
  readonly signal?: AbortSignal
}
export interface ClosedLoad extends Load {
  readonly connections: number
  readonly seconds?: number
  /** So many calls, instead of so many seconds. */
  readonly calls?: number
}
export interface OpenLoad extends Load {
  readonly perSecond: number
  readonly seconds: number
  readonly maxOutstanding?: number
  /** Calls beyond these wait for a connection; as many as may wait for answers, where it is not given. */
  readonly connections?: number
  readonly timeoutMs?: number
  /** Whose connections it uses, and leaves open; where it is not given, those of its own come and go with it. */
  readonly client?: HttpClient
  /** Whether connections serve several calls, as they do where nothing is said. */
  readonly keepsAlive?: boolean
  /** Has a call that is refused for now wait as it was told, and come again; called each time. */
  readonly comesAgain?: () => void
}

export type Stage = ReturnType<typeof createStage>

/** All that a scenario has to play on: users, targets, and the two ways to load them. What it starts ends with it. */
export function createStage(place: Place, given: { folder: string; progress: Progress; signal: AbortSignal }) {
  const { folder, progress, signal } = given
  const beganMs = performance.now()
  const closers: (() => Promise<unknown>)[] = []
  const users: LoadUser[] = []
  const totals = { calls: 0, wrong: 0, wrongs: [] as string[] }
  const env = serverEnv()
  let own: OwnTenant | undefined
  let opened: Tenant | undefined

  /** @throws {OperatorError} where the run has nothing to do with an emulated tenant */
  async function tenant(): Promise<Tenant> {
    if (place.tenant !== undefined) {
      opened ??= await openTenant(place.tenant)
      return opened
    }
    if (place.target !== undefined) throw new OperatorError('There is no emulated tenant.', 'Name one with --tenant.')
    return (await ownTenant()).tenant
  }

  async function ownTenant(): Promise<OwnTenant> {
    if (own !== undefined) return own
    own = await startTenant(folder)
    closers.push(() => (own as OwnTenant).process.stop())
    return own
  }

  async function mint(count: number): Promise<LoadUser[]> {
    const minted = await (await tenant()).mint(count, {
      first: users.length,
      told: (number) => progress.show(`${number} of ${count} users have a token`),
    })
    users.push(...minted)
    return minted
  }

  /** Runs one load, with its progress told, and takes the target's processor time. */
  async function measure(
    { name, target, signal: ownSignal }: Load,
    run: (ledger: Ledger, until: AbortSignal) => Promise<{ sentLateMs?: number }>,
  ): Promise<Measurement> {
    signal.throwIfAborted()
    const ledger = createLedger()
    const cpuBefore = cpuUsOf(target.process?.pid)
    const show = setInterval(() => {
      const seconds = (performance.now() - ledger.beganMs) / 1000
      const bad = [ledger.failed > 0 && `${ledger.failed} failed`, ledger.wrong > 0 && `${ledger.wrong} WRONG`]
      progress.show([name, `${rounded(seconds)} s`, `${ledger.right} right`, ...bad].filter(Boolean).join(' · '))
    }, 100)
    try {
      const until = ownSignal === undefined ? signal : AbortSignal.any([signal, ownSignal])
      const more = await run(ledger, until)
      const answered = ledger.right + ledger.wrong + ledger.failed
      const cpuUsPerCall = (cpuUsOf(target.process?.pid) - cpuBefore) / answered
      const measurement = ledger.close({ name, beganSeconds: (ledger.beganMs - beganMs) / 1000, cpuUsPerCall, ...more })
      totals.calls += answered
      totals.wrong += measurement.wrong
      totals.wrongs.push(...measurement.wrongs)
      return measurement
    } finally {
      clearInterval(show)
      signal.throwIfAborted()
    }
  }

  const stage = {
    progress,
    signal,
    folder,
    /** Of everything that was measured, what a scenario makes nothing of included: a wrong answer is one there too. */
    totals: totals as Readonly<typeof totals>,
    /** Whether the run starts what it calls. */
    isOwn: place.target === undefined,
    tenant,
    /** What a server has to be told to belong to the run's own tenant. */
    async serverOptions(more: Readonly<Record<string, string>> = {}) {
      if (place.bundle === undefined) throw new Error('There is no server to start')
      return { folder, bundle: place.bundle, env: { ...env, ...(await ownTenant()).env, ...more } }
    },
    /** Seconds since the run began. */
    now: () => (performance.now() - beganMs) / 1000,
    /**
     * Has the run's own tenant be one whose Entra is so many processes, each of which can be killed. Before anything
     * else of the tenant.
     */
    async entraHosts(size: number): Promise<EntraHosts> {
      const started = await startEntraHosts({ folder, size, atEnd: (close) => closers.push(close) })
      own = started
      return started.hosts
    },
    /** Ends something with the stage. */
    atEnd: (close: () => Promise<unknown>) => void closers.push(close),

    /** So many users; of a file with fewer tokens, all that there are. */
    async users(count: number): Promise<readonly LoadUser[]> {
      if (place.tokens !== undefined) {
        if (place.tenant !== undefined) await tenant()
        return place.tokens.slice(0, count).map((token) => userOf(token, place.tenant !== undefined))
      }
      if (users.length < count) await mint(count - users.length)
      return users.slice(0, count)
    },

    /** Users who never called. Whether those of a token file did cannot be known. */
    newUsers: (count: number): Promise<readonly LoadUser[]> =>
      place.tokens === undefined ? mint(count) : stage.users(count),

    /** The first users again, each with a token that nobody has seen. */
    newTokens: async (count: number): Promise<readonly LoadUser[]> => (await tenant()).mint(count),

    /** The server under load: the one that was named, or a new one. */
    async server(more: Readonly<Record<string, string>> = {}, hasMetrics = false): Promise<Target> {
      if (place.target !== undefined) return { url: place.target }
      const started = await startServer({ ...(await stage.serverOptions(more)), hasMetrics })
      closers.push(() => started.process.stop('SIGINT'))
      return started
    },

    /** Connections that are open before a load comes and stay so after it, as those of an ingress do. */
    async client(target: Target, options: { connections: number; timeoutMs: number }): Promise<HttpClient> {
      const client = createHttpClient(target.url, options)
      closers.push(() => client.close())
      await client.open()
      return client
    },

    /** A server to compare with. */
    async peer(name: 'floor' | 'reference'): Promise<Target> {
      const started = await startPeer(name, { folder, env: (await ownTenant()).env })
      closers.push(() => started.process.stop())
      return started
    },

    closed: (load: ClosedLoad): Promise<Measurement> =>
      measure(load, async (ledger, until) => {
        const { target, connections, seconds = 1, calls, next } = load
        const limit = calls === undefined ? { seconds } : { seconds, calls }
        const options = { url: target.url, connections, timeoutMs: callTimeoutMs, next, ledger, signal: until }
        await runClosedModel({ ...options, ...limit })
        return {}
      }),

    open: (load: OpenLoad): Promise<Measurement> =>
      measure(load, async (ledger, until) => {
        const { target, perSecond, seconds, maxOutstanding = 2_000, timeoutMs = callTimeoutMs, next } = load
        const { connections = maxOutstanding, keepsAlive = true, comesAgain } = load
        const client = load.client ?? createHttpClient(target.url, { connections, timeoutMs, keepsAlive })
        try {
          const { late } = await runOpenModel({
            perSecond,
            seconds,
            maxOutstanding,
            signal: until,
            async send(intendedMs) {
              const call = next()
              let outcome = await client.send(call)
              while (comesAgain !== undefined && outcome.retryAfterMs !== undefined && !until.aborted) {
                comesAgain()
                await new Promise((resolve) => setTimeout(resolve, outcome.retryAfterMs))
                outcome = await client.send(call)
              }
              ledger.record(outcome.verdict, performance.now() - intendedMs, outcome.bytes)
            },
            skip: () => ledger.record({ kind: 'failed', what: 'not sent: too many wait already' }, 0, 0),
          })
          return { sentLateMs: late.at(99) }
        } finally {
          if (load.client === undefined) await client.close()
        }
      }),

    /**
     * Lets several loads go in turn, round after round, so that whatever else the machine does falls on all of them. A
     * round before the first warms them up and does not count.
     */
    async inTurn(loads: readonly ClosedLoad[], rounds: number): Promise<Measurement[]> {
      const measured = loads.map((): Measurement[] => [])
      for (let round = 0; round <= rounds; round++) {
        for (const [index, load] of loads.entries()) {
          const one = await stage.closed(round === 0 ? { ...load, name: `${load.name}: warming up` } : load)
          if (round > 0) measured[index]?.push(one)
          if (round === 0) continue
          const speed = `${rounded(one.perSecond)} right answers a second`
          progress.say(`round ${round} of ${rounds} · ${load.name}: ${speed}`)
        }
      }
      return measured.map(ofRounds)
    },

    /** Ends what was started, the last first. */
    async close(): Promise<void> {
      for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close()
    },
  }
  return stage
}
