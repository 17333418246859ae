import { join } from 'node:path'
import type { FaultRule } from '../emulator/fault-rule.ts'
import { startBalancer } from './balancer.ts'
import { sum } from './numbers.ts'
import { findFreePort } from './processes.ts'
import { type OwnTenant, startTenant } from './tenant.ts'

export type EntraHosts = Awaited<ReturnType<typeof startEntraHosts>>['hosts']

/**
 * An emulated tenant whose Entra can be killed while its Graph goes on: processes that share the tenant's keys and
 * secrets, behind nginx.
 *
 * @param onClose takes what ends the processes
 * @returns the tenant is that of Graph; it mints tokens, and rotates keys for all
 * @throws {OperatorError} where nginx is not installed
 */
export async function startEntraHosts(folder: string, size: number, onClose: (close: () => Promise<unknown>) => void) {
  const port = await findFreePort()
  const shared = { origin: `http://127.0.0.1:${port}`, secretsFile: join(folder, 'tenant-secrets.json') }
  const graph = await startTenant(folder, { ...shared, name: 'The emulated Graph' })
  onClose(() => graph.process.stop())
  const indexes = Array.from({ length: size }, (_, index) => index)
  const startHost = (index: number) => startTenant(folder, { ...shared, name: `Entra host ${index + 1}` })
  const hosts = await Promise.all(indexes.map(startHost))
  onClose(() => Promise.all(hosts.map(({ process }) => process.stop())))
  const portOf = ({ tenant }: OwnTenant) => Number(new URL(tenant.origin).port)
  const balancer = await startBalancer({
    folder,
    port,
    routes: { '/': hosts.map(portOf), '/v1.0/': [portOf(graph)] },
    probe: `/${graph.env['GRAPH_TENANT_ID']}/v2.0/.well-known/openid-configuration`,
  })
  onClose(balancer.stop)

  /** What hosts that were killed had counted. */
  let exchangesOfKilled = 0
  const exchangesOf = async ({ tenant }: OwnTenant) => (await tenant.stats()).grants.on_behalf_of
  const atEach = (action: (host: OwnTenant) => Promise<void>) => Promise.all(hosts.map(action))
  const hostAt = (index: number): OwnTenant => {
    const host = hosts[index]
    if (host === undefined) throw new RangeError(`There is no Entra host ${index}`)
    return host
  }

  return {
    ...graph,
    hosts: {
      indexes,
      /** Ends one without warning. */
      async kill(index: number): Promise<void> {
        exchangesOfKilled += await exchangesOf(hostAt(index))
        await hostAt(index).process.stop('SIGKILL')
      },
      /** Starts it again on its port. */
      async revive(index: number): Promise<void> {
        hosts[index] = await startTenant(folder, { ...shared, port: portOf(hostAt(index)) })
      },
      /** On-Behalf-Of requests to all of them since the last reset. */
      exchanges: async (): Promise<number> => exchangesOfKilled + sum(await Promise.all(hosts.map(exchangesOf))),
      resetStats() {
        exchangesOfKilled = 0
        return atEach(({ tenant }) => tenant.resetStats())
      },
      /** Breaks the next connection to the token endpoint of one. */
      breakConnection: (index: number) => hostAt(index).tenant.addFaults({ target: 'token', kind: 'reset', times: 1 }),
      addFaults: (...rules: FaultRule[]) => atEach(({ tenant }) => tenant.addFaults(...rules)),
      clearFaults: () => atEach(({ tenant }) => tenant.clearFaults()),
    },
  }
}
