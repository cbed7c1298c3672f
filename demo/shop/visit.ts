/** What a visitor of the shop does: a session, a few articles, sometimes the cart, the front page, the leaderboard. */
import type { Cluster } from 'ioredis'
import type { Articles } from './articles.ts'
import type { Catalog } from './catalog.ts'
import { ARTICLES } from './origin.ts'
import { articleOfRank, drawRank, zipfTable } from './zipf.ts'

const ZIPF_EXPONENT = 0.9
const SESSIONS = 5_000
const SESSION_TTL_SECONDS = 1_800
const CART_TTL_SECONDS = 3_600
const ARTICLES_A_VISIT = 3
const STREAM_MAX_LENGTH = 10_000
/** An old link leads to it, but it is sold no more: each read misses and asks the origin. */
const GONE_ARTICLE = ARTICLES + 404

/** Redis commands of a visit, on average: its session, its articles, and the rarer things by their odds. */
export const COMMANDS_PER_VISIT = 5.45

export type Visit = () => Promise<void>

/** @param random uniform numbers in [0, 1) */
export function createVisit(
  cache: Cluster,
  articles: Articles,
  catalog: Catalog,
  random: () => number,
): Visit {
  const popularity = zipfTable(ARTICLES, ZIPF_EXPONENT)
  const pickArticle = () => articleOfRank(drawRank(popularity, random()), ARTICLES)
  const happens = (odds: number) => random() < odds

  return async () => {
    const session = `session:${Math.floor(random() * SESSIONS)}`
    const articleIds = Array.from({ length: ARTICLES_A_VISIT }, pickArticle)
    const steps: Promise<unknown>[] = [cache.hgetall(session), ...articleIds.map((id) => articles.read(id))]
    const [articleId = 1] = articleIds
    if (happens(0.2)) {
      steps.push(
        cache.hset(session, 'article', articleId, 'seen', Date.now()),
        cache.expire(session, SESSION_TTL_SECONDS),
      )
    }
    if (happens(0.1)) {
      const cart = session.replace('session', 'cart')
      steps.push(cache.sadd(cart, articleId), cache.expire(cart, CART_TTL_SECONDS), cache.smembers(cart))
    }
    if (happens(0.12)) steps.push(articles.read(GONE_ARTICLE))
    if (happens(0.03)) steps.push(catalog.read())
    if (happens(0.1)) steps.push(cache.zincrby('leaderboard', 1, String(articleId)))
    if (happens(0.05)) steps.push(cache.zrevrange('leaderboard', 0, 9, 'WITHSCORES'))
    if (happens(0.05)) {
      steps.push(cache.xadd('orders', 'MAXLEN', '~', STREAM_MAX_LENGTH, '*', 'article', articleId))
    }
    if (happens(0.02)) steps.push(cache.xrevrange('orders', '+', '-', 'COUNT', 10))
    if (happens(0.01)) steps.push(articles.changePrice(articleId, 500 + Math.floor(random() * 20_000)))
    await Promise.all(steps)
  }
}
