/** The ids of a cache's shards and nodes, asked for while the topology that has them is on its way to the store. */
import { beforeAll, expect, it } from 'vitest'
import { KnownPlaces } from '../../../collector/mitigations/known-places.ts'
import type { Topology } from '../../../core/sample.ts'
import type { Store } from '../../../store/client.ts'
import { saveTopology } from '../../../store/topology.ts'
import { openShopStore } from '../../support/shop-store.ts'

let store: Store
beforeAll(async () => {
  const shop = await openShopStore()
  store = shop.store
  return shop.close
})

const topologyAt = (at: number, addresses: string[]): Topology => ({
  ...{ cacheId: 'shop', at },
  shards: addresses.map((address, index) => ({
    ...{ ordinal: index + 1, slots: null },
    nodes: [{ address, role: 'primary', clusterNodeId: null }],
  })),
})

it('are known once the store has them, though the topology was asked for before', async () => {
  const known = new KnownPlaces(store, 'shop')
  const addresses = () => [...known.places.nodeAddresses.values()]
  const first = topologyAt(1, ['a:1'])
  await saveTopology(store, first)
  await known.load(first)
  expect(addresses()).toEqual(['a:1'])

  const grown = topologyAt(2, ['a:1', 'b:1'])
  await known.load(grown)
  expect(addresses()).toEqual(['a:1'])
  await saveTopology(store, grown)
  await known.load(grown)
  expect(addresses()).toEqual(['a:1', 'b:1'])
  expect([...known.places.shardOrdinals.values()]).toEqual([1, 2])
})

it('are not asked for again while the topology is the same', async () => {
  const known = new KnownPlaces(store, 'shop')
  const grown = topologyAt(2, ['a:1', 'b:1'])
  await known.load(grown)
  const { places } = known
  await known.load(grown)
  expect(known.places).toBe(places)
})
