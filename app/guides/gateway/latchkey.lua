-- /etc/haproxy/latchkey.lua: asks Latchkey about one request, for haproxy.cfg.

local to_api    = { "x-auth-subject", "x-auth-kind", "x-auth-application", "x-auth-environment",
                    "x-auth-scopes", "x-auth-credential", "x-auth-client", "x-auth-token", "x-request-id" }
local to_client = { "ratelimit", "ratelimit-policy", "x-request-id", "dpop-nonce" }
local refusals  = { [400] = true, [401] = true, [403] = true, [404] = true,
                    [405] = true, [429] = true, [503] = true }
local in_refusal = { "content-type", "www-authenticate", "retry-after", "allow",
                     "ratelimit", "ratelimit-policy", "x-request-id", "dpop-nonce" }

-- HAProxy numbers header values from 0; the HTTP client wants them from 1.
local function values(list)
	local out = {}
	for i = 0, #(list or {}) do out[#out + 1] = list and list[i] end
	return out
end

local function refuse(txn, status, headers, body)
	local reply = txn:reply({ status = status })
	for _, name in ipairs(in_refusal) do
		for _, value in ipairs(values(headers[name])) do reply:add_header(name, value) end
	end
	reply:set_body(body or "")
	txn:done(reply)
end

core.register_action("latchkey", { "http-req" }, function(txn, address)
	local client = txn.http:req_get_headers()
	local answer = core.httpclient():get({       -- a GET without a body: that goes to the API only
		url = address,
		dst = "abns@latchkey",                   -- "listen latchkey" in haproxy.cfg
		timeout = 20000,                         -- ms; longer than "listen latchkey" ever takes
		headers = {                              -- nothing else of the client's headers is sent
			["x-forwarded-method"] = { txn.f:method() },
			["x-forwarded-uri"]    = { txn.f:pathq() },   -- raw, as received
			["x-forwarded-for"]    = values(client["x-forwarded-for"]),
			["x-forwarded-proto"]  = values(client["x-forwarded-proto"]),
			["authorization"]      = values(client["authorization"]),
			["x-api-key"]          = values(client["x-api-key"]),
			["dpop"]               = values(client["dpop"]),
			["client-cert"]        = values(client["client-cert"]),   -- HAProxy's own, or none
			["user-agent"]         = values(client["user-agent"]),   -- for the log
		},
	})
	local status, headers = answer and answer.status or 0, answer and answer.headers or {}

	-- Allowed: a 200 with X-Auth-Kind. Anything else is not a yes.
	if status == 200 and headers["x-auth-kind"] then
		for _, name in ipairs(to_api) do
			txn.http:req_del_header(name)
			if headers[name] then txn.http:req_set_header(name, headers[name][0]) end
		end
		for _, name in ipairs(to_client) do
			if headers[name] then txn:set_var("txn.latchkey_" .. name:gsub("-", "_"), headers[name][0]) end
		end
		txn:set_var("txn.latchkey_ok", true)
	elseif refusals[status] and (values(headers["content-type"])[1] or ""):find("application/problem+json", 1, true) == 1 then
		refuse(txn, status, headers, answer.body)
	else
		refuse(txn, 502, {}, nil)                -- no answer, or nonsense
	end
end, 1)
