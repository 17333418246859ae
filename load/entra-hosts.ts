import { join } from 'node:path'
import type { FaultRule } from '../emulator/fault-rule.ts'
import { startBalancer } from './balancer.ts'
import { freePort } from './processes.ts'
import { type OwnTenant, startTenant } from './tenant.ts'

/** Entra as several processes behind one address; Graph has a process of its own behind the same. */
export interface EntraHosts {
  readonly size: number
  /** Ends one without warning. */
  kill(index: number): Promise<void>
  /** Starts it again, where it was. */
  revive(index: number): Promise<void>
  /** On-Behalf-Of requests to all of them, since the last reset. */
  exchanges(): Promise<number>
  resetStats(): Promise<void>
  /** Breaks the next connection to the token endpoint of one. */
  breakConnection(index: number): Promise<void>
  /** At each of them. */
  addFaults(...rules: FaultRule[]): Promise<void>
  clearFaults(): Promise<void>
}

export interface EntraHostsOptions {
  readonly folder: string
  readonly size: number
  /** Told of each process that was started, and how to end it. */
  readonly atEnd: (close: () => Promise<unknown>) => void
}

/**
 * An emulated tenant whose Entra can be killed while its Graph goes on: processes that share the tenant's keys and
 * secrets, behind nginx.
 *
 * @returns the tenant is that of Graph; it mints tokens, and rotates keys for all
 * @throws {OperatorError} where nginx is not installed
 */
export async function startEntraHosts(options: EntraHostsOptions): Promise<OwnTenant & { readonly hosts: EntraHosts }> {
  const { folder, size, atEnd } = options
  const port = await freePort()
  const shared = { origin: `http://127.0.0.1:${port}`, secretsFile: join(folder, 'tenant-secrets.json') }
  const graph = await startTenant(folder, { ...shared, name: 'The emulated Graph' })
  atEnd(() => graph.process.stop())
  const startHost = (index: number, at?: number) =>
    startTenant(folder, { ...shared, name: `Entra host ${index + 1}`, ...(at !== undefined && { port: at }) })
  const hosts = await Promise.all(Array.from({ length: size }, (_, index) => startHost(index)))
  atEnd(() => Promise.all(hosts.map(({ process }) => process.stop())))
  const portOf = ({ tenant }: OwnTenant) => Number(new URL(tenant.origin).port)
  const balancer = await startBalancer({
    folder,
    port,
    routes: { '/': hosts.map(portOf), '/v1.0/': [portOf(graph)] },
    probe: `/${graph.env['GRAPH_TENANT_ID']}/v2.0/.well-known/openid-configuration`,
  })
  atEnd(balancer.stop)

  /** Of hosts that were killed, up to then: what they counted ended with them. */
  let countedBefore = 0
  const exchangesOf = async ({ tenant }: OwnTenant) => (await tenant.stats()).grants.on_behalf_of
  const atEach = (action: (host: OwnTenant) => Promise<void>) => Promise.all(hosts.map(action))

  return {
    ...graph,
    hosts: {
      size,
      async kill(index) {
        const host = hosts[index]
        if (host === undefined) return
        countedBefore += await exchangesOf(host)
        await host.process.stop('SIGKILL')
      },
      async revive(index) {
        const host = hosts[index]
        if (host !== undefined) hosts[index] = await startHost(index, portOf(host))
      },
      async exchanges() {
        const counts = await Promise.all(hosts.map(exchangesOf))
        return counts.reduce((sum, count) => sum + count, countedBefore)
      },
      async resetStats() {
        countedBefore = 0
        await atEach(({ tenant }) => tenant.resetStats())
      },
      async breakConnection(index) {
        await hosts[index]?.tenant.addFaults({ target: 'token', kind: 'reset', times: 1 })
      },
      async addFaults(...rules) {
        await atEach(({ tenant }) => tenant.addFaults(...rules))
      },
      async clearFaults() {
        await atEach(({ tenant }) => tenant.clearFaults())
      },
    },
  }
}
