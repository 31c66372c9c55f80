-- Reads jobs for people.
--
-- KEYS[1]  prefix of the queue
-- ARGV[1]  'ids': ARGV[2..] are ids, at most 1,000; 'dead': the dead set, latest first, ARGV[2] offset, ARGV[3] limit
-- Answer   flat list, 10 texts a job: id, state (w, x, k), entity, wants, due ms, starts, failures, crashes, reason, dead since ms
local ids = {}
if ARGV[1] == 'dead' then
  ids = redis.call('ZREVRANGE', DEAD, ARGV[2], tonumber(ARGV[2]) + tonumber(ARGV[3]) - 1)
else
  for i = 2, #ARGV do
    ids[#ids + 1] = ARGV[i]
  end
end
local answer = {}
for _, id in ipairs(ids) do
  local f = redis.call('HMGET', META .. id, 's', 'e', 'w', 'd', 'attempts', 'f', 'c', 'why')
  if f[1] and f[1] ~= 'z' then
    local row = { id, f[1], f[2], f[3], f[4], f[5], f[6] or '0', f[7] or '0', f[8] or '', redis.call('ZSCORE', DEAD, id) or '0' }
    for _, text in ipairs(row) do
      answer[#answer + 1] = text
    end
  end
end
return answer
