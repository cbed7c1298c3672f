/** What the page of a mitigation is made of. */
import type { MitigationDetail } from '../../../../core/mitigations/model.ts'
import type { Event, Series, Shard } from '../../../../core/model.ts'
import type { TimeRange } from '../../../../core/range.ts'
import type { HotKeyDetail } from '../../../../store/hot-keys.ts'
import type { MitigationSample } from '../../../../store/mitigation-samples.ts'
import type { PageRange } from '../../../_lib/page-range.ts'

export type DetailData = {
  mitigation: MitigationDetail
  samples: MitigationSample[]
  shards: Shard[]
  series: Series
  events: Event[]
  /** Of the key that it is aimed at, where it was seen hot. */
  history: HotKeyDetail['history'] | null
  slot: number | null
  range: TimeRange
  page: PageRange
}
