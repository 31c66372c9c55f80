-- All breakers as they are.
--
-- ARGV[2..]  systems
-- Answer     per system {state, ms left, until in ms since 1970, openings, streak, pause in ms}
local answer = {}
for at = 2, #ARGV do
  local b = load(ARGV[at])
  answer[#answer + 1] = { b.state, math.max(0, b.till - NOW_MS), b.till, b.openings, b.streak, b.pause }
end
return answer
