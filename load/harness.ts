import type { Output } from '../scripts/shared/io.ts'
import { OperatorError } from '../scripts/shared/operator-error.ts'
import { countCalls, createCallRecords, type Measurement, mergeRounds } from './call-records.ts'
import type { Call } from './calls.ts'
import { createHttpClient, type HttpClient, type HttpClientOptions, type Outcome } from './http-client.ts'
import { type OpenModelOptions, runClosedModel, runOpenModel } from './models.ts'
import { format } from './numbers.ts'
import { cpuUsOf } from './processes.ts'
import { findBundle, type ServerOptions, serverEnv, startBaseline, startServer, type Target } from './servers.ts'
import { type OwnTenant, openTenant, startTenant, type Tenant } from './tenant.ts'
import { createUser, type LoadUser } from './users.ts'

/** Longer than the server gives Graph, so that the server's own response is what comes. */
const callTimeoutMs = 30_000

/** What a run calls. */
export interface Environment {
  /** The endpoint of a server that runs already; without it the run starts its own. */
  readonly target?: string
  /** The origin of an emulated tenant that runs already. */
  readonly tenant?: string
  /** The bundled server that is started where there is no target; that of npm run build unless given. */
  readonly bundle?: string
  /** Tokens of the users who call. */
  readonly tokens?: readonly string[]
  /** The folder where servers that are started write their CPU profiles when they end. */
  readonly cpuProf?: string
}

export interface Streams {
  readonly stdout: Output
  readonly stderr: Output
  readonly signal: AbortSignal
}

/** A load of one target. */
export interface Load {
  readonly name: string
  readonly target: Target
  /** Gives the next call, or what does something else than a call to MCP. */
  readonly next: () => Call | (() => Promise<Outcome>)
  /** Ends it before its time. */
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
  /** Calls beyond these wait for a connection; `maxOutstanding` unless given. */
  readonly connections?: number
  readonly keepAlive?: boolean
  /** Whose connections to use, and leave open; without it, connections are opened and closed with the load. */
  readonly client?: HttpClient
  /** Has a call that is rejected for now wait for its Retry-After and come again; called each time. */
  readonly onRetry?: () => void
}

export type Harness = ReturnType<typeof createHarness>

/** What a scenario works with: users, targets, and two ways to load them. All that it starts ends with `close`. */
export function createHarness(environment: Environment, folder: string, { stderr, signal }: Streams) {
  const startMs = performance.now()
  const closers: (() => Promise<unknown>)[] = []
  const users: LoadUser[] = []
  const totals = { calls: 0, wrong: 0, wrongReasons: [] as string[] }
  let own: OwnTenant | undefined
  let opened: Tenant | undefined
  const isOwn = environment.target === undefined
  /** Tells progress. */
  const say = (text: string) => void stderr.write(`${text}\n`)
  const onClose = (close: () => Promise<unknown>) => void closers.push(close)

  /** @throws {OperatorError} where the run has no emulated tenant */
  async function tenant(): Promise<Tenant> {
    if (environment.tenant !== undefined) {
      opened ??= await openTenant(environment.tenant)
      return opened
    }
    if (!isOwn) throw new OperatorError('There is no emulated tenant.', 'Name one with --tenant.')
    return (await ownTenant()).tenant
  }

  async function ownTenant(): Promise<OwnTenant> {
    if (own === undefined) {
      own = await startTenant(folder)
      onClose(own.process.stop)
    }
    return own
  }

  async function mint(count: number): Promise<LoadUser[]> {
    const minted = await (await tenant()).mint(count, users.length)
    users.push(...minted)
    return minted
  }

  /** Runs one load, says what came of it, and takes the target's CPU time. */
  async function measure(
    { name, target, next, signal: ownSignal, onRetry, client: shared }: Load & Pick<OpenLoad, 'client' | 'onRetry'>,
    options: HttpClientOptions,
    drive: (
      model: Pick<OpenModelOptions, 'send' | 'skip'> & { signal: AbortSignal },
    ) => Promise<{ sentLateMs?: number }>,
  ): Promise<Measurement> {
    signal.throwIfAborted()
    const client = shared ?? createHttpClient(target.url, options)
    const close = () => void client.close()
    signal.addEventListener('abort', close)
    const until = ownSignal === undefined ? signal : AbortSignal.any([signal, ownSignal])
    const records = createCallRecords()
    const cpuBefore = cpuUsOf(target.process?.pid)
    try {
      const more = await drive({
        async send(sinceMs) {
          const call = next()
          const send = () => (typeof call === 'function' ? call() : client.send(call))
          let outcome = await send()
          while (onRetry !== undefined && outcome.retryAfterMs !== undefined && !until.aborted) {
            onRetry()
            await new Promise((resolve) => setTimeout(resolve, outcome.retryAfterMs))
            outcome = await send()
          }
          records.record(outcome.verdict, performance.now() - sinceMs, outcome.bytes)
        },
        skip: () => records.record({ kind: 'failed', error: 'not sent: too many outstanding' }, 0, 0),
        signal: until,
      })
      signal.throwIfAborted()
      const cpuUs = cpuUsOf(target.process?.pid) - cpuBefore
      const startSeconds = (records.startMs - startMs) / 1_000
      const measurement = { ...records.summary({ name, startSeconds, cpuUs }), ...more }
      totals.calls += countCalls(measurement)
      totals.wrong += measurement.wrong
      totals.wrongReasons.push(...measurement.wrongReasons)
      say(describe(measurement))
      return measurement
    } finally {
      signal.removeEventListener('abort', close)
      if (shared === undefined) await client.close()
    }
  }

  const harness = {
    signal,
    say,
    onClose,
    tenant,
    /** Of every measurement, those that a scenario ignores included: a wrong response is wrong there too. */
    totals: totals as Readonly<typeof totals>,
    /** Whether the run starts what it calls. */
    isOwn,
    /** Seconds since the run started. */
    now: () => (performance.now() - startMs) / 1_000,

    /** What starts a server of the run's own tenant. */
    async serverOptions(env: Readonly<Record<string, string>> = {}): Promise<ServerOptions> {
      const { cpuProf } = environment
      const bundle = await findBundle(environment.bundle)
      const nodeArgs = cpuProf === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${cpuProf}`]
      return { folder, bundle, nodeArgs, env: { ...serverEnv, ...(await ownTenant()).env, ...env } }
    },

    /** So many users; of a file with fewer tokens, all that there are. */
    async users(count: number): Promise<readonly LoadUser[]> {
      if (environment.tokens !== undefined) {
        const namesReader = environment.tenant !== undefined
        if (namesReader) await tenant()
        return environment.tokens.slice(0, count).map((token) => createUser(token, namesReader))
      }
      if (users.length < count) await mint(count - users.length)
      return users.slice(0, count)
    },

    /** Users who never called. Of a token file, that cannot be known. */
    newUsers: (count: number): Promise<readonly LoadUser[]> =>
      environment.tokens === undefined ? mint(count) : harness.users(count),

    /** The server under load: the one that was named, or a new one. */
    async server(env: Readonly<Record<string, string>> = {}, nodeArgs: readonly string[] = []): Promise<Target> {
      if (environment.target !== undefined) return { url: environment.target }
      const options = await harness.serverOptions(env)
      const started = await startServer({ ...options, nodeArgs: [...(options.nodeArgs ?? []), ...nodeArgs] })
      onClose(() => started.process.stop('SIGINT'))
      return started
    },

    /** A server to compare with. */
    async baseline(name: 'floor' | 'reference'): Promise<Target> {
      const started = await startBaseline(name, { folder, env: (await ownTenant()).env })
      onClose(() => started.process.stop())
      return started
    },

    /** Connections that are open before a load comes and stay open after it, as those of an ingress do. */
    async client(target: Target, options: HttpClientOptions): Promise<HttpClient> {
      const client = createHttpClient(target.url, options)
      onClose(() => client.close())
      await client.open()
      return client
    },

    closed: (load: ClosedLoad): Promise<Measurement> =>
      measure(load, { connections: load.connections, timeoutMs: callTimeoutMs }, async ({ send, signal }) => {
        const { connections, seconds = 1, calls } = load
        const limit = { seconds, ...(calls !== undefined && { calls }) }
        await runClosedModel({ connections, ...limit, send: () => send(performance.now()), signal })
        return {}
      }),

    open: (load: OpenLoad): Promise<Measurement> => {
      const { perSecond, seconds, maxOutstanding = 2_000, connections = maxOutstanding, keepAlive = true } = load
      return measure(load, { connections, timeoutMs: callTimeoutMs, keepAlive }, async (driver) => {
        const { late } = await runOpenModel({ perSecond, seconds, maxOutstanding, ...driver })
        return { sentLateMs: late.at(99) }
      })
    },

    /**
     * Alternates several loads, round after round, so that whatever else the machine does falls on all of them. A
     * first round warms them up and is not counted.
     */
    async compare(loads: readonly ClosedLoad[], rounds: number): Promise<Measurement[]> {
      const measured = loads.map((): Measurement[] => [])
      for (let round = 0; round <= rounds; round++) {
        say(round === 0 ? 'warm-up round' : `round ${round} of ${rounds}`)
        for (const [index, load] of loads.entries()) {
          const measurement = await harness.closed(load)
          if (round > 0) measured[index]?.push(measurement)
        }
      }
      return measured.map(mergeRounds)
    },

    /** Ends what was started, the last first. */
    async close(): Promise<void> {
      for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close()
    },
  }
  return harness
}

function describe({ name, correct, failed, wrong, perSecond, latencyMs }: Measurement): string {
  const counts = [`${correct} correct`, failed > 0 && `${failed} failed`, wrong > 0 && `${wrong} WRONG`]
  return `${name}: ${counts.filter(Boolean).join(', ')} (${format(perSecond)}/s, p99 ${format(latencyMs.p99)} ms)`
}
