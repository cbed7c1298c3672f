/** What the library does about a client's own methods beside its reads. */
import { expect, test } from 'vitest'
import { HotKeys } from '../../../client/hot-keys.ts'
import { methodOf } from '../../../client/ioredis/types.ts'
import { Layer } from '../../../client/layer.ts'
import { keyPolicy, variantsPolicy } from '../../support/hot-client.ts'
import { libraryParts } from '../../support/library-parts.ts'

const COPY = '{hk0.1}:k'

test.each([
  { method: 'quit', args: [], isLeft: true },
  { method: 'disconnect', args: [], isLeft: true },
  { method: 'disconnect', args: [true], isLeft: false },
  { method: 'select', args: [5], isLeft: true },
])(
  'a read of a copy is asked for at the key itself before $method($args): $isLeft',
  ({ method, args, isLeft }) => {
    const { client, plain, reader, writes, settings, asked, get } = libraryParts({
      policies: [keyPolicy('k', { variants: variantsPolicy([COPY]) })],
      get: () => new Promise(() => {}),
    })
    const proto = {}
    const hotKeys = new HotKeys(settings.random, settings.now)
    const layer = new Layer(
      { ...{ client, plain, reader, writes, hotKeys }, db: () => 0, onError: () => {} },
      proto,
    )
    expect(methodOf(proto, method)).toBeNull()
    layer.update(true)
    void get('k')
    methodOf(proto, method)?.apply(client, args)
    expect(asked).toEqual(isLeft ? [COPY, 'k', method] : [COPY, method])
    layer.update(false)
    expect(methodOf(proto, method)).toBeNull()
  },
)
