-- Reads jobs for people.
--
-- KEYS[1]  prefix of the queue
-- ARGV[1]  of: ARGV[2..] are entities, at most 1,000; or a state, with ARGV[2] offset, ARGV[3] limit: k latest death first, d next due
--          first, x next lease to end first, r next in line first (events, then scans, then those that run alone)
-- Answer   a row per job: entity, number, state, wants, rank, due since or at in ms, starts, failures, crashes, reason, ms of: lease's
--          end (x), death (k), else 0
--
-- Tokens that were left behind in a ready list make its pages shorter.
local which, offset, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

local function ready(first, last)
  local entities, is_new = {}, {}
  for _, list in ipairs({ EVENTS, SCANS, ALONE }) do
    local length = redis.call('LLEN', list)
    if last >= 0 and first < length then
      for _, entity in ipairs(redis.call('LRANGE', list, math.max(0, first), math.min(last, length - 1))) do
        if not is_new[entity] then
          is_new[entity] = true
          entities[#entities + 1] = entity
        end
      end
    end
    first, last = first - length, last - length
  end
  return entities
end

local entities = {}
if which == 'of' then
  entities = { unpack(ARGV, 2) }
elseif which == 'r' then
  entities = ready(offset, offset + limit - 1)
elseif which == 'k' then
  entities = redis.call('ZREVRANGE', DEAD, offset, offset + limit - 1)
else
  entities = redis.call('ZRANGE', INDEX[which], offset, offset + limit - 1)
end
load(entities)
local rows = {}
for _, entity in ipairs(entities) do
  local job = job_of(entity)
  if job.state and (which == 'of' or job.state == which) then
    local at = (job.state == 'x' or job.state == 'k') and redis.call('ZSCORE', INDEX[job.state], entity) or '0'
    rows[#rows + 1] = { entity, job.number, job.state, job.wants, job.rank, job.since_ms, job.starts, math.max(0, job.failures),
      job.crashes, job.why or '', tonumber(at) }
  end
end
return rows
