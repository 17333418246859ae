import fp from 'fastify-plugin'
import type { GraphReader } from '../graph-client/index.ts'
import { createHealthCache, type HealthOptions, type HealthReading } from './cache.ts'

const sweepEveryMs = 5 * 60_000

/** The health of the tenant's services as the signed-in user may see it. */
export interface ServiceHealth {
  /** @throws {Failure} any of the `graph_…` reasons; `call_cancelled` */
  read(wanted: HealthOptions): Promise<HealthReading>
}

declare module 'fastify' {
  interface FastifyInstance {
    serviceHealth: {
      /** The health as whoever the credential belongs to may see it. */
      of(reader: GraphReader): ServiceHealth
      /** Forgets what was read with a credential that Graph accepts no longer. */
      drop(credentialHash: string): void
    }
  }
}

/** The health of services, cached for two minutes for each signed-in user. */
export const serviceHealth = fp(
  async (app) => {
    const cache = createHealthCache()
    const sweeping = setInterval(cache.sweep, sweepEveryMs).unref()
    app.decorate('serviceHealth', {
      of: (reader: GraphReader) => ({ read: (wanted: HealthOptions) => cache.read(reader, wanted) }),
      drop: cache.drop,
    })
    app.addHook('onClose', async () => clearInterval(sweeping))
  },
  { name: 'service-health' },
)
