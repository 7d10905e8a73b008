// SPDX-License-Identifier: BSD-3-Clause
// Room in memory, asked for before much of it is taken: the kernel ends a process that takes more
// than there is without a word.
#pragma once
#include "moho/parallel/communicator.hpp"
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace moho::parallel {

/// Bytes that processes of this node can still take: MemAvailable, and no more than what the control
/// group leaves. `root`: where proc/ and sys/ lie. None where the system does not tell.
std::optional<std::int64_t> available_memory(std::filesystem::path const& root = "/");

/// Throws moho::Error on every rank when the ranks of some node need more bytes together than it
/// has available; the message says how much `what` needs. `bytes`: those of this rank. Collective.
void require_memory(Comm const& comm, std::int64_t bytes, std::string const& what,
                    std::filesystem::path const& root = "/");

} // namespace moho::parallel
